// Softmax and entropy over channels, 16 pixels at a time; n is the number of pixels that exist (a constant 16 but at a
// row's end).

INLINE v16f load_pixels(const float *p, int32_t n) { return n == LANES ? load(p) : load_first(p, n); }
INLINE void store_pixels(float *p, v16f v, int32_t n) {
  if (n == LANES) {
    store(p, v);
  } else {
    store_first(p, v, n);
  }
}

INLINE void softmax_pixels(const float *x, ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, int32_t channels,
                           bool logarithm, int32_t n) {
  v16f top = load_pixels(x, n);
  for (int32_t c = 1; c < channels; c++) {
    const v16f v = load_pixels(x + c * x_stride, n);
    top = pick(v > top, v, top);
  }
  v16f sum = {};
  for (int32_t c = 0; c < channels; c++) {
    const v16f d = load_pixels(x + c * x_stride, n) - top, e = exp_16(d);
    sum += e;
    store_pixels(y + c * y_stride, logarithm ? d : e, n);
  }
  const v16f log_sum = logarithm ? log_16(sum) : sum;
  for (int32_t c = 0; c < channels; c++) {
    const v16f v = load_pixels(y + c * y_stride, n);
    store_pixels(y + c * y_stride, logarithm ? v - log_sum : v / sum, n);
  }
}

INLINE void softmax_rows(const float *x, ptrdiff_t x_stride, ptrdiff_t x_pitch, float *y, ptrdiff_t y_stride,
                         ptrdiff_t y_pitch, int32_t channels, int64_t rows, int32_t nx, bool logarithm) {
  for (int64_t r = 0; r < rows; r++) {
    const float *from = x + r * x_pitch;
    float *to = y + r * y_pitch;
    int32_t i = 0;
    for (; i + LANES <= nx; i += LANES) {
      softmax_pixels(from + i, x_stride, to + i, y_stride, channels, logarithm, LANES);
    }
    if (i < nx) softmax_pixels(from + i, x_stride, to + i, y_stride, channels, logarithm, nx - i);
  }
}

static void softmax(const float *x, ptrdiff_t x_stride, ptrdiff_t x_pitch, float *y, ptrdiff_t y_stride,
                    ptrdiff_t y_pitch, int32_t channels, int64_t rows, int32_t nx, bool logarithm) {
  if (channels <= 0) return;
  if (logarithm) {
    softmax_rows(x, x_stride, x_pitch, y, y_stride, y_pitch, channels, rows, nx, true);
  } else {
    softmax_rows(x, x_stride, x_pitch, y, y_stride, y_pitch, channels, rows, nx, false);
  }
}

INLINE void softmax_gradient_pixels(const float *y, ptrdiff_t y_stride, const float *g, ptrdiff_t g_stride, float *gx,
                                    ptrdiff_t gx_stride, int32_t channels, bool logarithm, bool accumulate, int32_t n) {
  v16f sum = {};
  for (int32_t c = 0; c < channels; c++) {
    const v16f slope = load_pixels(g + c * g_stride, n);
    sum = logarithm ? sum + slope : fused(slope, load_pixels(y + c * y_stride, n), sum);
  }
  for (int32_t c = 0; c < channels; c++) {
    const v16f slope = load_pixels(g + c * g_stride, n), p = load_pixels(y + c * y_stride, n);
    const v16f d = logarithm ? fused(-exp_16(p), sum, slope) : p * (slope - sum);
    float *to = gx + c * gx_stride;
    store_pixels(to, accumulate ? load_pixels(to, n) + d : d, n);
  }
}

INLINE void softmax_gradient_rows(const float *y, ptrdiff_t y_stride, ptrdiff_t y_pitch, const float *g,
                                  ptrdiff_t g_stride, ptrdiff_t g_pitch, float *gx, ptrdiff_t gx_stride,
                                  ptrdiff_t gx_pitch, int32_t channels, int64_t rows, int32_t nx, bool logarithm,
                                  bool accumulate) {
  for (int64_t r = 0; r < rows; r++) {
    const float *probability = y + r * y_pitch, *slope = g + r * g_pitch;
    float *to = gx + r * gx_pitch;
    int32_t i = 0;
    for (; i + LANES <= nx; i += LANES) {
      softmax_gradient_pixels(probability + i, y_stride, slope + i, g_stride, to + i, gx_stride, channels, logarithm,
                              accumulate, LANES);
    }
    if (i < nx) {
      softmax_gradient_pixels(probability + i, y_stride, slope + i, g_stride, to + i, gx_stride, channels, logarithm,
                              accumulate, nx - i);
    }
  }
}

static void softmax_gradient(const float *y, ptrdiff_t y_stride, ptrdiff_t y_pitch, const float *g, ptrdiff_t g_stride,
                             ptrdiff_t g_pitch, float *gx, ptrdiff_t gx_stride, ptrdiff_t gx_pitch, int32_t channels,
                             int64_t rows, int32_t nx, bool logarithm, bool accumulate) {
  if (logarithm) {
    softmax_gradient_rows(y, y_stride, y_pitch, g, g_stride, g_pitch, gx, gx_stride, gx_pitch, channels, rows, nx, true,
                          accumulate);
  } else {
    softmax_gradient_rows(y, y_stride, y_pitch, g, g_stride, g_pitch, gx, gx_stride, gx_pitch, channels, rows, nx,
                          false, accumulate);
  }
}

INLINE void entropy_pixels(const float *p, ptrdiff_t stride, int32_t channels, float *result, int32_t n) {
  v16f sum = {};
  for (int32_t c = 0; c < channels; c++) {
    const v16f v = load_pixels(p + c * stride, n);
    sum = pick(v < FLT_MIN, sum, fused(-v, log_16(v), sum));
  }
  store_pixels(result, sum, n);
}

static void entropy(const float *probabilities, ptrdiff_t stride, int32_t channels, float *result, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) entropy_pixels(probabilities + i, stride, channels, result + i, LANES);
  if (i < count) entropy_pixels(probabilities + i, stride, channels, result + i, (int32_t)(count - i));
}
