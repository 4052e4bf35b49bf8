#pragma once

#include "pointwise/pointwise.h"

/// The pixel of 0 ..< nx that halo pixel x (x < 0 or x >= nx) stands for; not for TUTTI_ZEROS.
static inline int32_t tutti_halo_source(int32_t x, int32_t nx, tutti_padding padding) {
  switch (padding) {
  case TUTTI_REFLECT: return x < 0 ? -x : 2 * (nx - 1) - x;
  case TUTTI_CIRCULAR: return x < 0 ? x + nx : x - nx;
  default: return x < 0 ? 0 : nx - 1;
  }
}

/// Fills the halo of one row.
static inline void tutti_fill_row_halo(float *y, int32_t nx, tutti_padding padding, int32_t halo) {
  if (padding == TUTTI_ZEROS) {
    for (int32_t i = 0; i < halo; i++) y[-1 - i] = 0;
    for (int32_t i = 0; i < halo; i++) y[nx + i] = 0;
  } else {
    for (int32_t i = 0; i < halo; i++) y[-1 - i] = y[tutti_halo_source(-1 - i, nx, padding)];
    for (int32_t i = 0; i < halo; i++) y[nx + i] = y[tutti_halo_source(nx + i, nx, padding)];
  }
}

/// a[i] += b[3 - i] for four pixels that do not overlap.
static inline void tutti_add_reversed(float *a, const float *b) {
  typedef float four __attribute__((ext_vector_type(4), aligned(4)));
  *(four *)a += __builtin_shufflevector(*(const four *)b, *(const four *)b, 3, 2, 1, 0);
}

/// Adds what pads a row to the pixels that it stands for, left halo first, outwards.
static inline void tutti_add_row_halo(float *g, int32_t nx, tutti_padding padding, int32_t halo) {
  float *const end = g + nx;
  switch (padding) {
  case TUTTI_ZEROS: break;
  case TUTTI_REFLECT:
  {
    int32_t i = 0;
    for (; i + 4 <= halo; i += 4) tutti_add_reversed(g + 1 + i, g - 4 - i);
    for (; i < halo; i++) g[1 + i] += g[-1 - i];
    for (i = 0; i + 4 <= halo; i += 4) tutti_add_reversed(end - 5 - i, end + i);
    for (; i < halo; i++) end[-2 - i] += end[i];
    break;
  }
  case TUTTI_REPLICATE:
    for (int32_t i = 0; i < halo; i++) g[0] += g[-1 - i];
    for (int32_t i = 0; i < halo; i++) end[-1] += end[i];
    break;
  case TUTTI_CIRCULAR:
    for (int32_t i = 0; i < halo; i++) end[-1 - i] += g[-1 - i];
    for (int32_t i = 0; i < halo; i++) g[i] += end[i];
    break;
  }
}

/// The adjoint of tutti_fill_row_halo.
static inline void tutti_fold_row_halo(float *g, int32_t nx, tutti_padding padding, int32_t halo) {
  tutti_add_row_halo(g, nx, padding, halo);
  for (int32_t i = 0; i < halo; i++) g[-1 - i] = g[nx + i] = 0;
}
