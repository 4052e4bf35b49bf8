#pragma once

#include <stdint.h>

/// Begins to count what all threads of the process ask the heap for; OpenBLAS's own kernels are not counted. This target's
/// functions stand in for the C library's `malloc` and its relatives in every program that it is linked into.
void tutti_test_begin_allocations(void);

/// Ends counting: bytes asked for since, or -1 where the heap is not this target's (address sanitizer).
int64_t tutti_test_end_allocations(void);
