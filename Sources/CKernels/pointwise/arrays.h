// Work on contiguous arrays: joins of shards, ensemble statistics.

static void add(float *a, const float *b, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) store(a + i, load(a + i) + load(b + i));
  if (i < count) {
    const int32_t n = (int32_t)(count - i);
    store_first(a + i, load_first(a + i, n) + load_first(b + i, n), n);
  }
}

INLINE void welford_16(v16f x, v16f *mean, v16f *m2, float n) {
  const v16f before = x - *mean;
  *mean += before / n;
  *m2 = fused(before, x - *mean, *m2);
}

static void welford(const float *x, float *mean, float *m2, size_t count, float n) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    v16f a = load(mean + i), b = load(m2 + i);
    welford_16(load(x + i), &a, &b, n);
    store(mean + i, a);
    store(m2 + i, b);
  }
  if (i < count) {
    const int32_t left = (int32_t)(count - i);
    v16f a = load_first(mean + i, left), b = load_first(m2 + i, left);
    welford_16(load_first(x + i, left), &a, &b, n);
    store_first(mean + i, a, left);
    store_first(m2 + i, b, left);
  }
}
