// Work on contiguous arrays: joins of shards, the optimizer's step, ensemble statistics.

static void add(float *a, const float *b, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) store(a + i, load(a + i) + load(b + i));
  if (i < count) {
    const int32_t n = (int32_t)(count - i);
    store_first(a + i, load_first(a + i, n) + load_first(b + i, n), n);
  }
}

/// The constants of one step, rounded once.
typedef struct {
  float decay, shrink, blend1, beta2, blend2, root, epsilon, step;
} adam_constants;

INLINE void adam_16(const adam_constants *k, v16f g, v16f *p, v16f *m, v16f *v) {
  g = fused(all(k->decay), *p, g);
  *m = fused(all(k->blend1), g - *m, *m);
  *v = fused(k->blend2 * g, g, k->beta2 * *v);
  const v16f denominator = __builtin_elementwise_sqrt(*v) / k->root + k->epsilon;
  *p = fused(all(-k->step), *m / denominator, *p * k->shrink);
}

static void adam_step(const tutti_adam *s, float *parameter, const float *gradient, float *m, float *v, size_t count) {
  const adam_constants k = {
      .decay = s->decoupled ? 0 : (float)s->weight_decay,
      .shrink = s->decoupled ? (float)(1 - s->rate * s->weight_decay) : 1,
      .blend1 = (float)(1 - s->beta1),
      .beta2 = (float)s->beta2,
      .blend2 = (float)(1 - s->beta2),
      .root = (float)sqrt(s->correction2),
      .epsilon = (float)s->epsilon,
      .step = (float)(s->rate / s->correction1),
  };
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    v16f p = load(parameter + i), first = load(m + i), second = load(v + i);
    adam_16(&k, load(gradient + i), &p, &first, &second);
    store(parameter + i, p);
    store(m + i, first);
    store(v + i, second);
  }
  if (i < count) {
    const int32_t n = (int32_t)(count - i);
    v16f p = load_first(parameter + i, n), first = load_first(m + i, n), second = load_first(v + i, n);
    adam_16(&k, load_first(gradient + i, n), &p, &first, &second);
    store_first(parameter + i, p, n);
    store_first(m + i, first, n);
    store_first(v + i, second, n);
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
