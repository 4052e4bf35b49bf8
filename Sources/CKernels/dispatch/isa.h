#pragma once

// The instruction sets that kernels are compiled for, in rising order.

typedef enum { TUTTI_ISA_PORTABLE, TUTTI_ISA_AVX2, TUTTI_ISA_AVX512, TUTTI_ISA_COUNT } tutti_isa_level;

/// The instruction set in use: the best that the processor has, or TUTTI_ISA's when the processor has that one.
tutti_isa_level tutti_isa_current(void);
