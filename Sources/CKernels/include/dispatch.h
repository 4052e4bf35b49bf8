#pragma once

#include <stdbool.h>

// Every kernel is compiled for several instruction sets; which one runs is chosen when the process starts.

/// The instruction set in use: "avx512", "avx2" or "portable"; the best that the processor has, or the one that the
/// environment variable TUTTI_ISA names (ignored when the processor does not have it).
const char *tutti_isa(void);

/// Forces an instruction set (for tests); false when the processor does not have it. Weights packed before are void.
/// Not to be called while kernels run.
bool tutti_set_isa(const char *name);
