#pragma once

#include <stddef.h>
#include <stdint.h>

// Loops that measure the peak of arithmetic and of memory, which other kernels are compared with.

/// Runs `rounds` of independent chains of multiply-adds in registers, with the instruction set in use, and returns the
/// number of floating-point operations (a multiply-add counts two). `sum` receives a number that depends on all of
/// them, so that none is left out.
double tutti_multiply_add_chains(int64_t rounds, float *sum);

/// c[i] = a[i] + factor * b[i]: the triad of McCalpin's STREAM, which memory bounds when the arrays are large.
void tutti_triad(const float *a, const float *b, float factor, float *c, size_t count);
