// Vectors of 16 floats and the elementary functions on them, for the instruction set whose file includes this one.
// That file defines FUSED (1 when fused multiply-add is one instruction), load_first and store_first.
// Sixteen lanes in every instruction set: with them the order of every sum, and so its bits, are the same.

#pragma STDC FP_CONTRACT OFF

enum { LANES = 16 };

/// a * b + c, rounded once where the processor can.
INLINE v16f fused(v16f a, v16f b, v16f c) {
#if FUSED
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

INLINE v16f all(float v) { return (v16f){v, v, v, v, v, v, v, v, v, v, v, v, v, v, v, v}; }
INLINE v16f load(const float *p) { return *(const v16f_unaligned *)p; }
INLINE void store(float *p, v16f v) { *(v16f_unaligned *)p = v; }

/// Lane by lane a where the mask is set, else b.
INLINE v16f pick(v16i mask, v16f a, v16f b) { return (v16f)((mask & (v16i)a) | (~mask & (v16i)b)); }
INLINE v16i pick_index(v16i mask, v16i a, v16i b) { return (mask & a) | (~mask & b); }
INLINE v16i lanes(void) { return (v16i){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }

/// The first n lanes; zero in the others.
INLINE v16f keep_first(v16f v, int32_t n) { return (v16f)((v16i)v & (lanes() < ((v16i){} + n))); }

INLINE v16f magnitude(v16f x) { return (v16f)((v16i)x & 0x7fffffff); }

INLINE v16d widen(v16f v) { return __builtin_convertvector(v, v16d); }

/// Sum of the lanes in ascending order.
INLINE double sum_of_lanes(v16d v) {
  double sum = 0;
  for (int i = 0; i < LANES; i++) sum += v[i];
  return sum;
}

/// The reduced argument r = x - n ln 2, |r| <= ln 2 / 2, of x in -150 ... 150; NaN goes along in r.
/// The rounding by the magic number 1.5 * 2^23 needs no conversion, which would be undefined for NaN.
INLINE v16f reduce_exp(v16f x, v16i *n) {
  const float magic = 12582912.0f;
  const v16f t = fused(x, all(1.44269504088896341f), all(magic));
  *n = (v16i)t - (v16i)all(magic);
  const v16f k = t - magic;
  return fused(k, all(2.12194440e-4f), fused(k, all(-0.693359375f), x));
}

/// exp(r) - 1 for |r| <= ln 2 / 2: r + r^2 p(r), p by Moshier (Cephes, expf).
INLINE v16f small_expm1(v16f r) {
  v16f p = all(1.9875691500e-4f);
  p = fused(p, r, all(1.3981999507e-3f));
  p = fused(p, r, all(8.3334519073e-3f));
  p = fused(p, r, all(4.1665795894e-2f));
  p = fused(p, r, all(1.6666665459e-1f));
  p = fused(p, r, all(5.0000001201e-1f));
  return fused(p, r * r, r);
}

INLINE v16f power_of_two(v16i n) { return (v16f)((n + 127) << 23); }

/// e^x within 2 units in the last place, subnormal results included; exp(-inf) = 0, exp(inf) = inf, NaN stays.
INLINE v16f exp_16(v16f x) {
  x = pick(x < -104.0f, all(-104.0f), x);
  x = pick(x > 89.0f, all(89.0f), x);
  v16i n;
  const v16f r = reduce_exp(x, &n);
  const v16i half = n >> 1;
  return ((small_expm1(r) + 1.0f) * power_of_two(half)) * power_of_two(n - half);
}

/// e^x - 1 for x <= 40 (beyond it e^40 - 1), accurate relative to itself near 0 as well; NaN stays.
INLINE v16f expm1_16(v16f x) {
  x = pick(x < -20.0f, all(-20.0f), x);
  x = pick(x > 40.0f, all(40.0f), x);
  v16i n;
  const v16f r = reduce_exp(x, &n);
  const v16f scale = power_of_two(n);
  return fused(small_expm1(r), scale, scale - 1.0f);
}

/// Natural logarithm of a finite normal x > 0, p by Moshier (Cephes, logf); NaN stays.
INLINE v16f log_16(v16f x) {
  const v16i bits = (v16i)x;
  v16i exponent = (bits >> 23) - 126;
  const v16f fraction = (v16f)((bits & 0x007fffff) | 0x3f000000);
  const v16i low = fraction < 0.707106781186547524f;
  exponent += low;
  const v16f m = pick(low, fraction + fraction, fraction) - 1.0f;
  const v16f e = __builtin_convertvector(exponent, v16f), z = m * m;
  v16f p = all(7.0376836292e-2f);
  p = fused(p, m, all(-1.1514610310e-1f));
  p = fused(p, m, all(1.1676998740e-1f));
  p = fused(p, m, all(-1.2420140846e-1f));
  p = fused(p, m, all(1.4249322787e-1f));
  p = fused(p, m, all(-1.6668057665e-1f));
  p = fused(p, m, all(2.0000714765e-1f));
  p = fused(p, m, all(-2.4999993993e-1f));
  p = fused(p, m, all(3.3333331174e-1f));
  p = p * m * z;
  p = fused(e, all(-2.12194440e-4f), p);
  p = fused(z, all(-0.5f), p);
  return pick(x != x, x, fused(e, all(0.693359375f), m + p));
}

/// log(1 + e) for e >= 0, accurate relative to itself near 0 as well.
INLINE v16f log1p_16(v16f e) {
  const v16f u = 1.0f + e;
  return log_16(u) + (e - (u - 1.0f)) / u;
}

INLINE v16f tanh_16(v16f x) {
  const v16f twice = 2.0f * magnitude(x);
  const v16f e = expm1_16(pick(twice > 20.0f, all(20.0f), twice));
  return (v16f)((v16i)(e / (e + 2.0f)) | ((v16i)x & ~0x7fffffff));
}

/// The normal distribution's cumulative probability, lane by lane by the C library.
INLINE v16f normal_cdf(v16f x) {
  v16f y = x * -0.707106781186547524f;
  for (int i = 0; i < LANES; i++) y[i] = 0.5f * erfcf(y[i]);
  return y;
}
