// The register tiles of a convolution's weight gradient. Included by instruction_sets/kernels.h.

enum {
  GRADIENT_X_TAPS = 3,  // of a tile, at most
  GRADIENT_Y_TAPS = 3,  // whose sums are kept side by side
  GRADIENT_SUMS = 48,   // vectors of accumulators side by side, in whole groups of lanes
};

/// Where in its plane a source row lies, and the gradient rows that meet it in joined taps along y.
typedef struct {
  ptrdiff_t source, gradient[GRADIENT_Y_TAPS];
} gradient_step;

/// Rows of a plane pair (gradient, source) that one tap along z joins.
typedef struct {
  const float *gradient, *source;
  ptrdiff_t gradient_channel_stride, source_channel_stride;
  const gradient_step *steps;
  int32_t count;
  const int32_t *x_shift;
  int32_t y_taps;  // between the sums of one pair of channels and those of the next
  int32_t width;
} gradient_run;

typedef void (*gradient_function)(const gradient_run *run, vector *sums);

/// One vector of pixels of one step. `count` is that of the row's last vector, or LANES.
INLINE void gradient_pixels(const int targets, const int sources, const int joined, const int taps, const bool whole,
                            const float *const *g, const float *const *s, ptrdiff_t gradient_stride,
                            ptrdiff_t source_stride, int32_t count, vector *a) {
  if (sources == 1) {
    vector u[GRADIENT_X_TAPS];
    UNROLL for (int t = 0; t < taps; t += 1) u[t] = whole ? load(s[t]) : load_first(s[t], count);
    UNROLL for (int i = 0; i < targets * joined; i += 1) {
      const float *p = g[i % joined] + (i / joined) * gradient_stride;
      const vector v = whole ? load(p) : load_first(p, count);
      UNROLL for (int t = 0; t < taps; t += 1) a[i * taps + t] = multiply_add(v, u[t], a[i * taps + t]);
    }
  } else {
    vector v[GRADIENT_TARGETS * GRADIENT_Y_TAPS];
    UNROLL for (int i = 0; i < targets * joined; i += 1) {
      const float *p = g[i % joined] + (i / joined) * gradient_stride;
      v[i] = whole ? load(p) : load_first(p, count);
    }
    UNROLL for (int j = 0; j < sources * taps; j += 1) {
      const float *p = s[j % taps] + (j / taps) * source_stride;
      const vector u = whole ? load(p) : load_first(p, count);
      UNROLL for (int i = 0; i < targets * joined; i += 1) {
        const int c = i / joined, k = ((c * sources + j / taps) * joined + i % joined) * taps + j % taps;
        a[k] = multiply_add(v[i], u, a[k]);
      }
    }
  }
}

/// The register tile: targets × sources × joined taps along y × taps along x, each a vector of partial sums whose lanes
/// are pixels of a row. A source row is held and meets one gradient row for each joined tap, so that its shifted and so
/// unaligned loads serve targets × joined products each:
///
///                                 source row, shifted by tx   u0    u1    u2
///         target 0, gradient row of ty 0                      a000  a001  a002     a[c][ty][tx] += g[c][ty] * u[tx]
///                   gradient row of ty 1                      a010  a011  a012
///                   gradient row of ty 2                      a020  a021  a022
///         target 1, gradient row of ty 0                      a100  a101  a102
///
/// Whatever the tile, a sum takes its rows and vectors in rising order.
INLINE void gradient_tile(const int targets, const int sources, const int joined, const int taps,
                          const gradient_run *run, vector *sums) {
  vector a[GRADIENT_SUMS];
  const int pairs = targets * sources, each = joined * taps;
  const ptrdiff_t between_pairs = (ptrdiff_t)run->y_taps * taps;
  UNROLL for (int i = 0; i < pairs * each; i += 1) a[i] = sums[(i / each) * between_pairs + i % each];
  const ptrdiff_t gradient_stride = run->gradient_channel_stride, source_stride = run->source_channel_stride;
  const int32_t full = run->width / LANES, tail = run->width % LANES;
  const gradient_step *const last = run->steps + run->count - 1;
  for (const gradient_step *step = run->steps; step <= last; step += 1) {
    const float *g[GRADIENT_Y_TAPS], *s[GRADIENT_X_TAPS];
    UNROLL for (int t = 0; t < joined; t += 1) g[t] = run->gradient + step->gradient[t];
    UNROLL for (int t = 0; t < taps; t += 1) s[t] = run->source + step->source + run->x_shift[t];
    // The next source row and the next row of the first tap come from the second cache while these are worked.
    const gradient_step *next = step < last ? step + 1 : step;
    const ptrdiff_t next_source = next->source - step->source, next_gradient = next->gradient[0] - step->gradient[0];
    UNROLL for (int k = 0; k < sources; k += 1) __builtin_prefetch(s[0] + next_source + k * source_stride);
    _Pragma("clang loop unroll(disable)") for (int32_t i = full; i > 0; i -= 1) {
      UNROLL for (int k = 0; k < sources; k += 1) {
        __builtin_prefetch(s[0] + next_source + k * source_stride + LANES);
      }
      UNROLL for (int c = 0; c < targets; c += 1) __builtin_prefetch(g[0] + next_gradient + c * gradient_stride);
      gradient_pixels(targets, sources, joined, taps, true, g, s, gradient_stride, source_stride, LANES, a);
      UNROLL for (int t = 0; t < joined; t += 1) g[t] += LANES;
      UNROLL for (int t = 0; t < taps; t += 1) s[t] += LANES;
    }
    if (tail > 0) {
      gradient_pixels(targets, sources, joined, taps, false, g, s, gradient_stride, source_stride, tail, a);
    }
  }
  UNROLL for (int i = 0; i < pairs * each; i += 1) sums[(i / each) * between_pairs + i % each] = a[i];
}

#define TILE_Y_X(C, S, Y, X)                                                         \
  static void gradient_##C##_##S##_##Y##_##X(const gradient_run *run, vector *sums) { \
    gradient_tile(C, S, Y, X, run, sums);                                            \
  }
#define TILE_Y(C, S, Y) TILE_Y_X(C, S, Y, 1) TILE_Y_X(C, S, Y, 2) TILE_Y_X(C, S, Y, 3)
#define TILE1(C, S) TILE_Y(C, S, 1)
#define TILE2(C, S) TILE_Y(C, S, 2)
#define TILE3(C, S) TILE_Y(C, S, 3)
GRADIENT_TILES_OF_1(TILE1)
GRADIENT_TILES_OF_2(TILE2)
GRADIENT_TILES_OF_3(TILE3)
#undef TILE_Y
#undef TILE_Y_X

/// Source channels of the largest tile, by the taps along y of a block and by target channels.
static const int8_t gradient_sources[GRADIENT_Y_TAPS][GRADIENT_TARGETS] = GRADIENT_SOURCES;

/// Whether taps along y are joined, by target channels.
static const bool gradient_joined[GRADIENT_TARGETS] = GRADIENT_JOINED;

static const gradient_function gradient_tiles[GRADIENT_TARGETS][8][GRADIENT_Y_TAPS][GRADIENT_X_TAPS] = {
#define TILE_Y(C, S, Y) \
  [C - 1][S - 1][Y - 1] = {gradient_##C##_##S##_##Y##_1, gradient_##C##_##S##_##Y##_2, gradient_##C##_##S##_##Y##_3},
    GRADIENT_TILES_OF_1(TILE1)
    GRADIENT_TILES_OF_2(TILE2)
    GRADIENT_TILES_OF_3(TILE3)
#undef TILE_Y
};
#undef TILE1
#undef TILE2
#undef TILE3

/// The sums of the lanes of LANES vectors, as a balanced tree.
INLINE vector lane_sums(const vector *v) {
  vector a[LANES];
  UNROLL for (int i = 0; i < LANES; i += 1) a[i] = v[i];
  UNROLL for (int count = LANES / 2; count > 0; count /= 2) {
    UNROLL for (int i = 0; i < count; i += 1) {
      a[i] = __builtin_shufflevector(a[2 * i], a[2 * i + 1], EVEN_LANES) +
             __builtin_shufflevector(a[2 * i], a[2 * i + 1], ODD_LANES);
    }
  }
  return a[0];
}
