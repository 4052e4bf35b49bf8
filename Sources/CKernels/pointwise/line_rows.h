// Work on rows through a tutti_line. Sums run as in pointwise/rows.h.

/// A line's constants in vectors.
typedef struct {
  v16f low, high, reference, slope, value;
} line_16;

INLINE line_16 spread(tutti_line line) {
  return (line_16){all(line.low), all(line.high), all(line.reference), all(line.slope), all(line.value)};
}

/// slope * (clamp(x) - reference) + value; NaN stays.
INLINE v16f on_line(line_16 line, v16f x) {
  x = pick(x < line.low, line.low, x);
  x = pick(x > line.high, line.high, x);
  return fused(line.slope, x - line.reference, line.value);
}

INLINE v16f positive(v16f z) { return pick(z <= 0.0f, all(0), z); }

static void line_rows(tutti_line f, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch, int64_t rows,
                      int32_t nx, tutti_padding padding, int32_t halo) {
  const line_16 line = spread(f);
  for (int64_t r = 0; r < rows; r++) {
    const float *from = x + r * x_pitch;
    float *to = y + r * y_pitch;
    int32_t i = 0;
    for (; i + LANES <= nx; i += LANES) store(to + i, on_line(line, load(from + i)));
    if (i < nx) store_first(to + i, on_line(line, load_first(from + i, nx - i)), nx - i);
    fill_row_halo(to, nx, padding, halo);
  }
}

static tutti_moments line_rows_moments(tutti_line f, const float *x, ptrdiff_t x_pitch, float *y, ptrdiff_t y_pitch,
                                       int64_t rows, int32_t nx, tutti_padding padding, int32_t halo, float guess) {
  const line_16 line = spread(f);
  const double n = (double)rows * nx;
  if (n <= 0) return (tutti_moments){0, 0, 0};
  v16d total = {}, total_of_squares = {};
  for (int64_t r = 0; r < rows; r++) {
    const float *from = x + r * x_pitch;
    float *to = y + r * y_pitch;
    for (int32_t first = 0; first < nx; first += PIECE) {
      const int32_t end = piece_end(first, nx);
      v16f s = {}, q = {};
      int32_t i = first;
      for (; i + LANES <= end; i += LANES) {
        const v16f z = on_line(line, load(from + i)), d = positive(z) - guess;
        store(to + i, z);
        s += d;
        q = fused(d, d, q);
      }
      if (i < end) {
        const v16f z = on_line(line, load_first(from + i, end - i)), d = keep_first(positive(z) - guess, end - i);
        store_first(to + i, z, end - i);
        s += d;
        q = fused(d, d, q);
      }
      total += widen(s);
      total_of_squares += widen(q);
    }
    fill_row_halo(to, nx, padding, halo);
  }
  const double sum = sum_of_lanes(total), m2 = sum_of_lanes(total_of_squares) - sum * sum / n;
  return (tutti_moments){n, guess + sum / n, m2 < 0 ? 0 : m2};
}

/// Sums of relu(line(x)) - guess and of its square.
INLINE void sum_line(line_16 line, v16f guess, const float *x, int64_t rows, ptrdiff_t pitch, int32_t nx, double *sum,
                     double *squares) {
  v16d total = {}, total_of_squares = {};
  for (int64_t r = 0; r < rows; r++) {
    const float *row = x + r * pitch;
    for (int32_t first = 0; first < nx; first += PIECE) {
      const int32_t end = piece_end(first, nx);
      v16f s = {}, q = {};
      int32_t i = first;
      for (; i + LANES <= end; i += LANES) {
        const v16f d = positive(on_line(line, load(row + i))) - guess;
        s += d;
        q = fused(d, d, q);
      }
      if (i < end) {
        const v16f d = keep_first(positive(on_line(line, load_first(row + i, end - i))) - guess, end - i);
        s += d;
        q = fused(d, d, q);
      }
      total += widen(s);
      total_of_squares += widen(q);
    }
  }
  *sum = sum_of_lanes(total);
  *squares = sum_of_lanes(total_of_squares);
}

static tutti_moments line_moments(tutti_line f, const float *x, int64_t rows, ptrdiff_t pitch, int32_t nx) {
  const line_16 line = spread(f);
  tutti_moments all_rows = {0, 0, 0};
  if (nx <= 0) return all_rows;
  const int64_t group = nx < GROUP ? GROUP / nx : 1;
  for (int64_t r = 0; r < rows; r += group) {
    const int64_t some = rows - r < group ? rows - r : group;
    const double n = (double)some * nx;
    double sum, squares;
    sum_line(line, all(0), x + r * pitch, some, pitch, nx, &sum, &squares);
    const float guess = (float)(sum / n);
    sum_line(line, all(guess), x + r * pitch, some, pitch, nx, &sum, &squares);
    const double m2 = squares - sum * sum / n;
    merge_moments(&all_rows, (tutti_moments){n, guess + sum / n, m2 < 0 ? 0 : m2});
  }
  return all_rows;
}

static tutti_gradient_sums line_gradient_sums(tutti_line f, const float *g, ptrdiff_t g_pitch, const float *x,
                                              ptrdiff_t x_pitch, int64_t rows, int32_t nx, float mean) {
  const line_16 line = spread(f);
  v16d total = {}, total_u = {};
  for (int64_t r = 0; r < rows; r++) {
    const float *slope = g + r * g_pitch, *row = x + r * x_pitch;
    for (int32_t first = 0; first < nx; first += PIECE) {
      const int32_t end = piece_end(first, nx);
      v16f sum = {}, sum_u = {};
      int32_t i = first;
      for (; i + LANES <= end; i += LANES) {
        const v16f d = load(slope + i);
        sum += d;
        sum_u = fused(d, positive(on_line(line, load(row + i))) - mean, sum_u);
      }
      if (i < end) {
        const v16f d = load_first(slope + i, end - i);
        sum += d;
        sum_u = fused(d, keep_first(positive(on_line(line, load_first(row + i, end - i))) - mean, end - i), sum_u);
      }
      total += widen(sum);
      total_u += widen(sum_u);
    }
  }
  return (tutti_gradient_sums){sum_of_lanes(total), sum_of_lanes(total_u)};
}

static void line_gradient(tutti_line f, const float *g, ptrdiff_t g_pitch, const float *x, ptrdiff_t x_pitch, float *to,
                          ptrdiff_t to_pitch, float *y, ptrdiff_t y_pitch, int64_t rows, int32_t nx, float scale,
                          float mean, float a, float b) {
  const line_16 line = spread(f);
  const v16f minus_b = all(-b);
  for (int64_t r = 0; r < rows; r++) {
    const float *slope = g + r * g_pitch, *row = x + r * x_pitch;
    float *result = to + r * to_pitch, *made = y == NULL ? NULL : y + r * y_pitch;
    int32_t i = 0;
    for (; i + LANES <= nx; i += LANES) {
      const v16f z = on_line(line, load(row + i));
      store(result + i, pick(z <= 0.0f, all(0), scale * fused(z - mean, minus_b, load(slope + i) - a)));
      if (made != NULL) store(made + i, z);
    }
    if (i < nx) {
      const int32_t n = nx - i;
      const v16f z = on_line(line, load_first(row + i, n));
      const v16f back = scale * fused(z - mean, minus_b, load_first(slope + i, n) - a);
      store_first(result + i, pick(z <= 0.0f, all(0), back), n);
      if (made != NULL) store_first(made + i, z, n);
    }
  }
}
