// Max pooling of one plane. A later tap wins when it is greater, or NaN (as PyTorch): the first of equals, the last
// NaN.

/// One window: the scalar version.
INLINE void pool_window(const float *source, int32_t source_rows, int32_t source_pitch, int32_t first, int32_t kz,
                        int32_t ky, int32_t kx, float *best, int32_t *best_at) {
  float top = -INFINITY;
  int32_t at = first;
  for (int32_t tz = 0; tz < kz; tz++) {
    for (int32_t ty = 0; ty < ky; ty++) {
      const int32_t row = first + (tz * source_rows + ty) * source_pitch;
      for (int32_t tx = 0; tx < kx; tx++) {
        const float v = source[row + tx];
        if (v > top || v != v) {
          top = v;
          at = row + tx;
        }
      }
    }
  }
  *best = top;
  *best_at = at;
}

/// Every second float from p on, p[0] ... p[30]; nothing behind p[30] is read.
INLINE v16f load_even(const float *p) {
  return __builtin_shufflevector(load(p), load(p + 15), 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
}

/// Sixteen windows side by side, for stride 1 or 2 along x (a constant at every call).
INLINE void pool_16(const float *source, int32_t source_rows, int32_t source_pitch, int32_t first, int32_t kz,
                    int32_t ky, int32_t kx, int32_t sx, float *best, int32_t *best_at) {
  const v16i offsets = lanes() * sx;
  v16f top = all(-INFINITY);
  v16i at = offsets + first;
  for (int32_t tz = 0; tz < kz; tz++) {
    for (int32_t ty = 0; ty < ky; ty++) {
      const int32_t row = first + (tz * source_rows + ty) * source_pitch;
      for (int32_t tx = 0; tx < kx; tx++) {
        const v16f v = sx == 1 ? load(source + row + tx) : load_even(source + row + tx);
        const v16i wins = (v > top) | (v != v);
        top = pick(wins, v, top);
        at = pick_index(wins, offsets + (row + tx), at);
      }
    }
  }
  store(best, top);
  *(v16i_unaligned *)best_at = at;
}

static void max_pool(const float *source, int32_t source_rows, int32_t source_pitch, float *target,
                     int32_t target_pitch, int32_t mz, int32_t my, int32_t mx, int32_t kz, int32_t ky, int32_t kx,
                     int32_t sz, int32_t sy, int32_t sx, int32_t *argmax) {
  const bool side_by_side = mx >= LANES && (sx == 1 || sx == 2);
  for (int32_t z = 0; z < mz; z++) {
    for (int32_t y = 0; y < my; y++) {
      const int32_t first = (z * sz * source_rows + y * sy) * source_pitch;
      float *row = target + ((ptrdiff_t)z * my + y) * target_pitch;
      int32_t *at = argmax + ((ptrdiff_t)z * my + y) * mx;
      if (!side_by_side) {
        for (int32_t x = 0; x < mx; x++) {
          pool_window(source, source_rows, source_pitch, first + x * sx, kz, ky, kx, row + x, at + x);
        }
        continue;
      }
      for (int32_t next = 0; next < mx; next += LANES) {
        const int32_t x = next + LANES <= mx ? next : mx - LANES;  // the last ones overlap: computed twice, equal
        if (sx == 1) {
          pool_16(source, source_rows, source_pitch, first + x, kz, ky, kx, 1, row + x, at + x);
        } else {
          pool_16(source, source_rows, source_pitch, first + 2 * x, kz, ky, kx, 2, row + x, at + x);
        }
      }
    }
  }
}
