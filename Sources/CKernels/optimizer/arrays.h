// Optimizers' work on contiguous arrays (include/optimizer.h).

typedef struct {
  v16f p, first, second, third;
} optimizer_state;

/// One vector of a step. `parts` is a constant wherever this is inlined.
INLINE void optimize_16(const tutti_optimizer_step *k, const int parts, v16f g, optimizer_state *s) {
  g = fused(all(k->decay), s->p, g);
  if (parts & TUTTI_SECOND) s->second = fused(k->blend_second * g, g, k->keep_second * s->second);
  v16f square = s->second;
  if (parts & TUTTI_LARGEST) square = s->third = pick(s->third < s->second, s->second, s->third);
  if (parts & TUTTI_CENTERED) {
    s->third = fused(all(k->blend_second), g - s->third, s->third);
    square = fused(-s->third, s->third, square);
    square = pick(square < 0.0f, all(0), square);
  }
  v16f divisor = all(1);
  if (parts & TUTTI_SECOND) divisor = __builtin_elementwise_sqrt(square) / k->root + k->epsilon;
  if (parts & TUTTI_DIVIDED_FIRST) {
    s->first = fused(all(k->keep_first), s->first, k->blend_first * g / divisor);
    s->p = fused(all(-k->through), s->first, s->p * k->shrink);
    return;
  }
  v16f move = k->direct * g;
  if (parts & TUTTI_FIRST) {
    s->first = fused(all(k->keep_first), s->first, k->blend_first * g);
    move = fused(all(k->through), s->first, move);
  }
  if (parts & TUTTI_SECOND) move = move / divisor;
  s->p = s->p * k->shrink - move;
}

INLINE void optimize_parts(const tutti_optimizer_step *k, const int parts, float *p, const float *g, float *first,
                           float *second, float *third, size_t count) {
  const bool has_first = parts & (TUTTI_FIRST | TUTTI_DIVIDED_FIRST), has_second = parts & TUTTI_SECOND,
             has_third = parts & (TUTTI_LARGEST | TUTTI_CENTERED);
  optimizer_state s = {};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    s.p = load(p + i);
    if (has_first) s.first = load(first + i);
    if (has_second) s.second = load(second + i);
    if (has_third) s.third = load(third + i);
    optimize_16(k, parts, load(g + i), &s);
    store(p + i, s.p);
    if (has_first) store(first + i, s.first);
    if (has_second) store(second + i, s.second);
    if (has_third) store(third + i, s.third);
  }
  if (i == count) return;
  const int32_t n = (int32_t)(count - i);
  s.p = load_first(p + i, n);
  if (has_first) s.first = load_first(first + i, n);
  if (has_second) s.second = load_first(second + i, n);
  if (has_third) s.third = load_first(third + i, n);
  optimize_16(k, parts, load_first(g + i, n), &s);
  store_first(p + i, s.p, n);
  if (has_first) store_first(first + i, s.first, n);
  if (has_second) store_first(second + i, s.second, n);
  if (has_third) store_first(third + i, s.third, n);
}

static void optimize(const tutti_optimizer_step *k, float *p, const float *g, float *first, float *second, float *third,
                     size_t count) {
#define WITH(parts) \
  case parts: return optimize_parts(k, parts, p, g, first, second, third, count);
  switch (k->parts) {
    WITH(0)
    WITH(TUTTI_FIRST)
    WITH(TUTTI_SECOND)
    WITH(TUTTI_FIRST | TUTTI_SECOND)
    WITH(TUTTI_FIRST | TUTTI_SECOND | TUTTI_LARGEST)
    WITH(TUTTI_SECOND | TUTTI_CENTERED)
    WITH(TUTTI_SECOND | TUTTI_DIVIDED_FIRST)
    WITH(TUTTI_SECOND | TUTTI_CENTERED | TUTTI_DIVIDED_FIRST)
  }
#undef WITH
}

static double sum_of_squares(const float *a, size_t count) {
  v16d sum = {};
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) {
    const v16d x = widen(load(a + i));
    sum += x * x;
  }
  if (i < count) {
    const v16d x = widen(load_first(a + i, (int32_t)(count - i)));
    sum += x * x;
  }
  return sum_of_lanes(sum);
}

/// What is done to the elements of one array, with those of another or with a number.
typedef enum { SCALE, CLAMP, ADD_SCALED, LERP } array_change;

INLINE v16f change_16(const array_change change, v16f x, v16f y, float number) {
  switch (change) {
  case SCALE: return x * number;
  case CLAMP: return pick(x > number, all(number), pick(x < -number, all(-number), x));
  case ADD_SCALED: return fused(all(number), y, x);
  case LERP: return fused(all(number), y - x, x);
  }
}

INLINE void change_array(const array_change change, float *a, const float *b, float number, size_t count) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES) store(a + i, change_16(change, load(a + i), load(b + i), number));
  if (i == count) return;
  const int32_t n = (int32_t)(count - i);
  store_first(a + i, change_16(change, load_first(a + i, n), load_first(b + i, n), number), n);
}

static void scale(float *a, float factor, size_t count) { change_array(SCALE, a, a, factor, count); }
static void clamp(float *a, float limit, size_t count) { change_array(CLAMP, a, a, limit, count); }
static void add_scaled(float *a, const float *b, float factor, size_t count) {
  change_array(ADD_SCALED, a, b, factor, count);
}
static void lerp(float *a, const float *b, float factor, size_t count) { change_array(LERP, a, b, factor, count); }
