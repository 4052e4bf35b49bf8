// Work on rows of one plane. Sums run over 16 lanes in float for at most PIECE pixels of one row, then in double:
// lane i holds pixels i, i + 16, ..., and lanes are added in ascending order at the end.

enum {
  PIECE = 1024,  // pixels of a row that are summed in float
  GROUP = 4096,  // pixels that share a first guess at their mean
};

INLINE int32_t piece_end(int32_t first, int32_t nx) { return nx - first < PIECE ? nx : first + PIECE; }

static double row_sum(const float *g, int64_t rows, ptrdiff_t pitch, int32_t nx) {
  v16d total = {};
  for (int64_t r = 0; r < rows; r++) {
    const float *row = g + r * pitch;
    for (int32_t first = 0; first < nx; first += PIECE) {
      const int32_t end = piece_end(first, nx);
      v16f sum = {};
      int32_t x = first;
      for (; x + LANES <= end; x += LANES) sum += load(row + x);
      if (x < end) sum += load_first(row + x, end - x);
      total += widen(sum);
    }
  }
  return sum_of_lanes(total);
}

/// Moments of a few rows, by deviations from the mean of the first eighth: the square of how far that is from the mean
/// of all cannot be more than 8 times the variance of all, so that the correction at the end takes few digits.
INLINE tutti_moments group_moments(const float *u, int64_t rows, ptrdiff_t pitch, int32_t nx) {
  const double count = (double)rows * nx;
  const int64_t some = (rows + 7) / 8;
  const float guess = (float)(row_sum(u, some, pitch, nx) / ((double)some * nx));
  v16d total = {}, total_of_squares = {};
  for (int64_t r = 0; r < rows; r++) {
    const float *row = u + r * pitch;
    for (int32_t first = 0; first < nx; first += PIECE) {
      const int32_t end = piece_end(first, nx);
      v16f sum = {}, squares = {};
      int32_t x = first;
      for (; x + LANES <= end; x += LANES) {
        const v16f d = load(row + x) - guess;
        sum += d;
        squares = fused(d, d, squares);
      }
      if (x < end) {
        const v16f d = keep_first(load_first(row + x, end - x) - guess, end - x);
        sum += d;
        squares = fused(d, d, squares);
      }
      total += widen(sum);
      total_of_squares += widen(squares);
    }
  }
  const double sum = sum_of_lanes(total), m2 = sum_of_lanes(total_of_squares) - sum * sum / count;
  return (tutti_moments){count, guess + sum / count, m2 < 0 ? 0 : m2};
}

/// Chan, Golub and LeVeque 1983, eq. 2.1.
INLINE void merge_moments(tutti_moments *a, tutti_moments b) {
  const double count = a->count + b.count, delta = b.mean - a->mean;
  a->mean += delta * (b.count / count);
  a->m2 += b.m2 + delta * delta * (a->count * b.count / count);
  a->count = count;
}

static tutti_moments row_moments(const float *u, int64_t rows, ptrdiff_t pitch, int32_t nx) {
  tutti_moments all_rows = {0, 0, 0};
  if (nx <= 0) return all_rows;
  const int64_t group = nx < GROUP ? GROUP / nx : 1;
  for (int64_t r = 0; r < rows; r += group) {
    const int64_t some = rows - r < group ? rows - r : group;
    merge_moments(&all_rows, group_moments(u + r * pitch, some, pitch, nx));
  }
  return all_rows;
}

INLINE void fill_row_halo(float *y, int32_t nx, tutti_padding padding, int32_t halo) {
  if (padding != TUTTI_ZEROS) {
    tutti_fill_row_halo(y, nx, padding, halo);
    return;
  }
  // A call of memset for a few floats would cost more than the row.
  for (int32_t i = 0; i < halo; i += LANES) {
    const int32_t n = halo - i < LANES ? halo - i : LANES;
    store_first(y - halo + i, all(0), n);
    store_first(y + nx + i, all(0), n);
  }
}

INLINE void affine_rows(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                        float scale, float mean, float shift, tutti_activation kind, float parameter,
                        tutti_padding padding, int32_t halo) {
  const v16f factor = all(scale), offset = all(shift);
  for (int64_t r = 0; r < rows; r++) {
    const float *from = u + r * u_pitch;
    float *to = y + r * y_pitch;
    int32_t x = 0;
    for (; x + LANES <= nx; x += LANES) {
      store(to + x, activate(fused(factor, load(from + x) - mean, offset), kind, parameter));
    }
    if (x < nx) {
      const v16f z = fused(factor, load_first(from + x, nx - x) - mean, offset);
      store_first(to + x, activate(z, kind, parameter), nx - x);
    }
    fill_row_halo(to, nx, padding, halo);
  }
}

/// A case for every activation, of a switch between functions that are compiled for one each.
#define EACH_ACTIVATION(CASE)                                                                                          \
  CASE(TUTTI_IDENTITY);                                                                                                \
  CASE(TUTTI_RELU);                                                                                                    \
  CASE(TUTTI_LEAKY_RELU);                                                                                              \
  CASE(TUTTI_ELU);                                                                                                     \
  CASE(TUTTI_GELU);                                                                                                    \
  CASE(TUTTI_SILU);                                                                                                    \
  CASE(TUTTI_TANH);                                                                                                    \
  CASE(TUTTI_SIGMOID);                                                                                                 \
  CASE(TUTTI_SOFTPLUS);                                                                                                \
  CASE(TUTTI_HARDSWISH);

static void affine_activation(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx,
                              float scale, float mean, float shift, tutti_activation activation, float parameter,
                              tutti_padding padding, int32_t halo) {
#define CASE(kind)                                                                                                     \
  case kind: affine_rows(u, u_pitch, y, y_pitch, rows, nx, scale, mean, shift, kind, parameter, padding, halo); break
  switch (activation) {
    EACH_ACTIVATION(CASE)
  }
#undef CASE
}

INLINE void settle_row_halo(float *g, int32_t nx, tutti_gradient_halo halo) {
  if (halo.folded > 0) tutti_add_row_halo(g, nx, halo.padding, halo.folded);
  const int32_t zeroed = halo.zeroed > halo.folded ? halo.zeroed : halo.folded;
  if (zeroed > 0) fill_row_halo(g, nx, TUTTI_ZEROS, zeroed);
}

INLINE tutti_gradient_sums gradient_rows(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, int64_t rows,
                                         int32_t nx, float scale, float mean, float shift, tutti_activation kind,
                                         float parameter, tutti_gradient_halo halo, const bool stores) {
  const v16f factor = all(scale), offset = all(shift);
  v16d total = {}, total_u = {};
  if (rows > 0) settle_row_halo(g, nx, halo);
  for (int64_t r = 0; r < rows; r++) {
    float *slope = g + r * g_pitch;
    const float *row = u + r * u_pitch;
    // A row ahead: loads of what was just stored in smaller parts would wait for it.
    if (r + 1 < rows) settle_row_halo(slope + g_pitch, nx, halo);
    for (int32_t first = 0; first < nx; first += PIECE) {
      const int32_t end = piece_end(first, nx);
      v16f sum = {}, sum_u = {};
      int32_t x = first;
      for (; x + LANES <= end; x += LANES) {
        const v16f v = load(row + x);
        const v16f d = activation_slope(load(slope + x), fused(factor, v - mean, offset), kind, parameter);
        if (stores) store(slope + x, d);
        sum += d;
        sum_u = fused(d, v - mean, sum_u);
      }
      if (x < end) {
        const v16f v = load_first(row + x, end - x);
        const v16f at_z = activation_slope(load_first(slope + x, end - x), fused(factor, v - mean, offset), kind,
                                           parameter);
        const v16f d = keep_first(at_z, end - x);
        if (stores) store_first(slope + x, d, end - x);
        sum += d;
        sum_u = fused(d, keep_first(v - mean, end - x), sum_u);
      }
      total += widen(sum);
      total_u += widen(sum_u);
    }
  }
  return (tutti_gradient_sums){sum_of_lanes(total), sum_of_lanes(total_u)};
}

static tutti_gradient_sums activation_gradient(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch,
                                               int64_t rows, int32_t nx, float scale, float mean, float shift,
                                               tutti_activation activation, float parameter, tutti_gradient_halo halo,
                                               bool stores) {
#define CASE(kind)                                                                                                     \
  case kind: return gradient_rows(g, g_pitch, u, u_pitch, rows, nx, scale, mean, shift, kind, parameter, halo, true)
#define CHEAP(kind)                                                                                                    \
  case kind: return gradient_rows(g, g_pitch, u, u_pitch, rows, nx, scale, mean, shift, kind, parameter, halo, false)
  if (!stores) {
    switch (activation) {
      CHEAP(TUTTI_IDENTITY);
      CHEAP(TUTTI_RELU);
      CHEAP(TUTTI_LEAKY_RELU);
      default: break;
    }
  }
#undef CHEAP
  switch (activation) {
    EACH_ACTIVATION(CASE)
  }
#undef CASE
  return (tutti_gradient_sums){0, 0};
}

INLINE void normalization_rows(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, int64_t rows, int32_t nx,
                               float scale, float mean, float a, float b, float shift, tutti_activation kind,
                               float parameter) {
  const v16f minus_b = all(-b), factor = all(scale), offset = all(shift);
  for (int64_t r = 0; r < rows; r++) {
    float *row = g + r * g_pitch;
    const float *from = u + r * u_pitch;
    int32_t x = 0;
    for (; x + LANES <= nx; x += LANES) {
      const v16f d = load(from + x) - mean;
      const v16f slope = activation_slope(load(row + x), fused(factor, d, offset), kind, parameter);
      store(row + x, scale * fused(d, minus_b, slope - a));
    }
    if (x < nx) {
      const v16f d = load_first(from + x, nx - x) - mean;
      const v16f slope = activation_slope(load_first(row + x, nx - x), fused(factor, d, offset), kind, parameter);
      store_first(row + x, scale * fused(d, minus_b, slope - a), nx - x);
    }
  }
}

static void normalization_gradient(float *g, ptrdiff_t g_pitch, const float *u, ptrdiff_t u_pitch, int64_t rows,
                                   int32_t nx, float scale, float mean, float a, float b, float shift,
                                   tutti_activation activation, float parameter) {
#define CASE(kind)                                                                                                     \
  case kind: normalization_rows(g, g_pitch, u, u_pitch, rows, nx, scale, mean, a, b, shift, kind, parameter); return
  switch (activation) {
    CASE(TUTTI_RELU);
    CASE(TUTTI_LEAKY_RELU);
    default: normalization_rows(g, g_pitch, u, u_pitch, rows, nx, scale, mean, a, b, shift, TUTTI_IDENTITY, 0);
  }
#undef CASE
}

/// The nearest bfloat16 (the upper half of a float), ties to even.
INLINE v16f bfloat16(v16f x) {
  const v16i bits = (v16i)x, odd = (bits >> 16) & 1;
  return pick(x != x, x, (v16f)((bits + 0x7fff + odd) & ~0xffff));
}

static void bfloat16_rows(const float *u, ptrdiff_t u_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx) {
  for (int64_t r = 0; r < rows; r++) {
    const float *from = u + r * u_pitch;
    float *to = y + r * y_pitch;
    int32_t x = 0;
    for (; x + LANES <= nx; x += LANES) store(to + x, bfloat16(load(from + x)));
    if (x < nx) store_first(to + x, bfloat16(load_first(from + x, nx - x)), nx - x);
  }
}

static void copy_rows(const float *source, ptrdiff_t source_pitch, float *target, ptrdiff_t target_pitch, int64_t rows,
                      int32_t nx, float factor, bool accumulate) {
  const v16f f = all(factor);
  for (int64_t r = 0; r < rows; r++) {
    const float *from = source + r * source_pitch;
    float *to = target + r * target_pitch;
    int32_t x = 0;
    if (accumulate) {
      for (; x + LANES <= nx; x += LANES) store(to + x, fused(f, load(from + x), load(to + x)));
      if (x < nx) store_first(to + x, fused(f, load_first(from + x, nx - x), load_first(to + x, nx - x)), nx - x);
    } else {
      for (; x + LANES <= nx; x += LANES) store(to + x, f * load(from + x));
      if (x < nx) store_first(to + x, f * load_first(from + x, nx - x), nx - x);
    }
  }
}
