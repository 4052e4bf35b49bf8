// The gradient of a convolution's weights where target channels fill vectors. Included by instruction_sets/kernels.h.

enum {
  CHANNEL_COLUMNS = 9,           // (source channel, tap) pairs of a tile
  CHANNEL_BAND = 6144,           // floats of a band: gradient pixels by channels, in the nearest cache
  CHANNEL_SEGMENT = 256,         // pixels of a piece of a row, at most
  CHANNEL_SEGMENTS = CHANNEL_BAND / LANES / LANES + 1,
  CHANNEL_EXACT = 1024,          // pixels summed in float32 before they enter the float64 totals
  CHANNEL_TARGETS = 48,          // of a call whose sums are kept side by side, and
  CHANNEL_CHUNK = 576,           // columns whose sums are kept side by side
};

static const ptrdiff_t absent_row = PTRDIFF_MIN;

/// Consecutive pixels of one gradient row, and where their source rows begin by tap along z and y.
typedef struct {
  const float *gradient;
  int32_t count;
  int32_t place;  // of the first pixel in the band
  ptrdiff_t source[TUTTI_CHANNEL_ROW_TAPS];
} channel_segment;

/// What the tiles of a band share, and the columns of one tile.
typedef struct {
  const float *band;
  const channel_segment *segments;
  int32_t segment_count;
  int32_t x_step;
  const float *source;
  const int16_t *row_tap;     // of each column
  const ptrdiff_t *offset;    // of each column: its source channel and shift
} channel_run;

typedef void (*channel_function)(const channel_run *run, vector *sums);

/// What taps on padding read.
static const float channel_zeros[CHANNEL_SEGMENT * TUTTI_CHANNEL_X_STEP] = {0};

/// The register tile: vectors of target channels × columns, each lane the sum of one weight. Every pixel gives one
/// vector product for each: no load is unaligned, no row has a tail, and no lanes are added up at the end.
///
///                            source pixel of column     s0 (broadcast)  s1   s2  …  s8
///         gradient pixel, targets 0 ..< LANES       g0      a00         a01  a02    a08     a[v][k] += g[v] * s[k]
///                         targets LANES ..< 2 LANES g1      a10         a11  a12    a18
INLINE void channel_tile(const int vectors, const int columns, const int step, const channel_run *run, vector *sums) {
  vector a[CHANNEL_VECTORS * CHANNEL_COLUMNS];
  UNROLL for (int i = 0; i < vectors * columns; i += 1) a[i] = sums[i];
  const channel_segment *const last = run->segments + run->segment_count;
  const ptrdiff_t x_step = step > 0 ? step : run->x_step;
  for (const channel_segment *segment = run->segments; segment < last; segment += 1) {
    const float *s[CHANNEL_COLUMNS];
    bool any = false;
    UNROLL for (int k = 0; k < columns; k += 1) {
      const ptrdiff_t row = segment->source[run->row_tap[k]];
      any |= row != absent_row;
      s[k] = row != absent_row ? run->source + row + run->offset[k] : channel_zeros;
    }
    if (!any) continue;
    const float *g = run->band + (ptrdiff_t)segment->place * vectors * LANES;
    int32_t left = segment->count;
    if (step > 0) {
      _Pragma("clang loop unroll(disable)") for (; left >= 4; left -= 4) {
        UNROLL for (int x = 0; x < 4; x += 1) {
          vector v[CHANNEL_VECTORS];
          UNROLL for (int i = 0; i < vectors; i += 1) v[i] = *(const vector *)(g + (x * vectors + i) * LANES);
          UNROLL for (int k = 0; k < columns; k += 1) {
            const vector b = (vector)s[k][x * step];
            UNROLL for (int i = 0; i < vectors; i += 1) {
              a[k * vectors + i] = multiply_add(v[i], b, a[k * vectors + i]);
            }
          }
        }
        g += 4 * vectors * LANES;
        UNROLL for (int k = 0; k < columns; k += 1) s[k] += 4 * step;
      }
    }
    _Pragma("clang loop unroll(disable)") for (; left > 0; left -= 1) {
      vector v[CHANNEL_VECTORS];
      UNROLL for (int i = 0; i < vectors; i += 1) v[i] = *(const vector *)(g + i * LANES);
      UNROLL for (int k = 0; k < columns; k += 1) {
        const vector b = (vector)*s[k];
        s[k] += x_step;
        UNROLL for (int i = 0; i < vectors; i += 1) a[k * vectors + i] = multiply_add(v[i], b, a[k * vectors + i]);
      }
      g += vectors * LANES;
    }
  }
  UNROLL for (int i = 0; i < vectors * columns; i += 1) sums[i] = a[i];
}

#define TILE(V, K)                                                                                                  \
  static void channel_##V##_##K##_1(const channel_run *run, vector *sums) { channel_tile(V, K, 1, run, sums); }      \
  static void channel_##V##_##K##_any(const channel_run *run, vector *sums) { channel_tile(V, K, 0, run, sums); }
#define COLUMNS(V) \
  TILE(V, 1) TILE(V, 2) TILE(V, 3) TILE(V, 4) TILE(V, 5) TILE(V, 6) TILE(V, 7) TILE(V, 8) TILE(V, 9)
CHANNEL_TILES(COLUMNS)
#undef TILE

/// By vectors, columns, and whether source pixels are neighbours.
static const channel_function channel_tiles[CHANNEL_VECTORS][CHANNEL_COLUMNS][2] = {
#define TILE(V, K) [V - 1][K - 1] = {channel_##V##_##K##_any, channel_##V##_##K##_1},
    CHANNEL_TILES(COLUMNS)
#undef TILE
};
#undef COLUMNS

/// Transposes LANES vectors: each round moves the highest bit of an element's index to the lowest place.
INLINE void transpose_lanes(vector *a) {
  UNROLL for (int round = 1; round < LANES; round *= 2) {
    vector b[LANES];
    UNROLL for (int i = 0; i < LANES / 2; i += 1) {
      b[2 * i] = __builtin_shufflevector(a[i], a[i + LANES / 2], LOW_LANES);
      b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + LANES / 2], HIGH_LANES);
    }
    UNROLL for (int i = 0; i < LANES; i += 1) a[i] = b[i];
  }
}

/// Writes a segment's pixels to the band, all targets of a pixel side by side; zeros for lanes without a target.
static void pack_segment(const channel_segment *segment, ptrdiff_t channel_stride, int32_t targets, int32_t vectors,
                         float *band) {
  for (int32_t first = 0; first < vectors * LANES; first += LANES) {
    const float *g = segment->gradient + first * channel_stride;
    const int32_t channels = targets - first < LANES ? targets - first : LANES;
    for (int32_t x = 0; x < segment->count; x += LANES) {
      const int32_t pixels = segment->count - x < LANES ? segment->count - x : LANES;
      vector a[LANES];
      if (channels == LANES && pixels == LANES) {
        UNROLL for (int i = 0; i < LANES; i += 1) a[i] = load(g + i * channel_stride + x);
      } else {
        UNROLL for (int i = 0; i < LANES; i += 1) {
          a[i] = i < channels ? load_first(g + i * channel_stride + x, pixels) : (vector)0;
        }
      }
      transpose_lanes(a);
      float *p = band + ((ptrdiff_t)(segment->place + x) * vectors) * LANES + first;
      UNROLL for (int i = 0; i < LANES; i += 1) *(vector *)(p + (ptrdiff_t)i * vectors * LANES) = a[i];
    }
  }
}

/// The sums of a chunk of columns: (source channel, tap) pairs in the order of the result.
typedef struct {
  const tutti_weight_gradient *job;
  int32_t first_target, targets, vectors;
  int32_t columns, blocks;
  int32_t pixels;  // summed in float32 so far
  int16_t row_tap[CHANNEL_CHUNK];
  ptrdiff_t offset[CHANNEL_CHUNK];
  _Alignas(64) float band[CHANNEL_BAND];
  vector sums[CHANNEL_CHUNK * CHANNEL_VECTORS];
  wide totals[CHANNEL_CHUNK * CHANNEL_VECTORS];
} channel_chunk;

static void begin_sums_of_chunk(channel_chunk *chunk) {
  memset(chunk->sums, 0, sizeof(vector) * (size_t)(chunk->columns * chunk->vectors));
  chunk->pixels = 0;
}

/// Moves the float32 sums to the totals.
static void add_to_totals(channel_chunk *chunk) {
  for (int32_t i = 0; i < chunk->columns * chunk->vectors; i += 1) {
    chunk->totals[i] += __builtin_convertvector(chunk->sums[i], wide);
  }
  begin_sums_of_chunk(chunk);
}

/// Adds a band's pixels to the sums.
static void add_band(channel_chunk *chunk, const channel_segment *segments, int32_t count) {
  const tutti_weight_gradient *job = chunk->job;
  int32_t pixels = 0;
  for (int32_t i = 0; i < count; i += 1) {
    pack_segment(&segments[i], job->gradient_channel_stride, chunk->targets, chunk->vectors, chunk->band);
    pixels += segments[i].count;
  }
  channel_run run = {
      .band = chunk->band,
      .segments = segments,
      .segment_count = count,
      .x_step = job->x_step,
      .source = job->source,
  };
  vector *sums = chunk->sums;
  for (int32_t b = 0; b < chunk->blocks; b += 1) {
    const tutti_block block = tutti_block_at(b, chunk->columns, CHANNEL_COLUMNS);
    run.row_tap = chunk->row_tap + block.first;
    run.offset = chunk->offset + block.first;
    channel_tiles[chunk->vectors - 1][block.count - 1][job->x_step == 1](&run, sums);
    sums += block.count * chunk->vectors;
  }
  chunk->pixels += pixels;
  if (chunk->pixels >= CHANNEL_EXACT) add_to_totals(chunk);
}

/// Writes the totals of LANES targets, or adds them to what is there.
static void finish_chunk(const channel_chunk *chunk, int32_t v, float *result) {
  const tutti_weight_gradient *job = chunk->job;
  const int32_t targets = chunk->targets - v * LANES < LANES ? chunk->targets - v * LANES : LANES;
  for (int32_t k = 0; k < chunk->columns; k += LANES) {
    const int32_t columns = chunk->columns - k < LANES ? chunk->columns - k : LANES;
    vector a[LANES];
    UNROLL for (int i = 0; i < LANES; i += 1) {
      const int32_t column = k + i < chunk->columns ? k + i : k;
      a[i] = __builtin_convertvector(chunk->totals[column * chunk->vectors + v], vector);
    }
    transpose_lanes(a);
    for (int32_t i = 0; i < targets; i += 1) {
      float *p = result + i * job->result_stride + k;
      store_first(p, job->accumulate ? load_first(p, columns) + a[i] : a[i], columns);
    }
  }
}

static void chunk_gradient(channel_chunk *chunk, tutti_block columns, int32_t first_source, float *result) {
  const tutti_weight_gradient *job = chunk->job;
  const int32_t taps = job->z_taps * job->y_taps * job->x_taps, row_taps = job->z_taps * job->y_taps;
  chunk->columns = columns.count;
  chunk->blocks = tutti_block_count(columns.count, CHANNEL_COLUMNS);
  for (int32_t k = 0; k < columns.count; k += 1) {
    const int32_t column = columns.first + k, tap = column % taps;
    chunk->row_tap[k] = (int16_t)(tap / job->x_taps);
    chunk->offset[k] = (first_source + column / taps) * job->source_channel_stride + job->x_shift[tap % job->x_taps];
  }
  memset(chunk->totals, 0, sizeof(wide) * (size_t)(columns.count * chunk->vectors));
  begin_sums_of_chunk(chunk);
  channel_segment segments[CHANNEL_SEGMENTS];
  const int32_t capacity = CHANNEL_BAND / LANES / chunk->vectors;
  const int32_t longest = capacity < CHANNEL_SEGMENT ? capacity / LANES * LANES : CHANNEL_SEGMENT;
  int32_t count = 0, place = 0;
  for (int32_t z = 0; z < job->gradient_planes; z += 1) {
    for (int32_t y = 0; y < job->gradient_rows; y += 1) {
      for (int32_t x = 0; x < job->width; x += longest) {
        const int32_t pixels = job->width - x < longest ? job->width - x : longest;
        const int32_t room = (pixels + LANES - 1) / LANES * LANES;
        if (place + room > capacity) {
          add_band(chunk, segments, count);
          count = place = 0;
        }
        channel_segment *segment = &segments[count];
        segment->gradient = job->gradient + chunk->first_target * job->gradient_channel_stride +
                            ((ptrdiff_t)z * job->gradient_rows + y) * job->gradient_pitch + x;
        segment->count = pixels;
        segment->place = place;
        for (int32_t tap = 0; tap < row_taps; tap += 1) {
          const int32_t plane = row_of_tap(job->z, z, tap / job->y_taps);
          const int32_t row = row_of_tap(job->y, y, tap % job->y_taps);
          segment->source[tap] =
              plane < 0 || row < 0
                  ? absent_row
                  : ((ptrdiff_t)plane * job->source_rows + row) * job->source_pitch + (ptrdiff_t)x * job->x_step;
        }
        count += 1;
        place += room;
      }
    }
  }
  if (count > 0) add_band(chunk, segments, count);
  add_to_totals(chunk);
  for (int32_t v = 0; v < chunk->vectors; v += 1) {
    finish_chunk(chunk, v, result + (ptrdiff_t)v * LANES * job->result_stride + columns.first);
  }
}

static void channel_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                             int32_t first_source, int32_t last_source) {
  const int32_t targets = last_target - first_target, taps = job->z_taps * job->y_taps * job->x_taps;
  const int32_t columns = (last_source - first_source) * taps;
  if (targets <= 0 || columns <= 0) return;
  channel_chunk chunk;
  chunk.job = job;
  const int32_t vectors = (targets + LANES - 1) / LANES;
  for (int32_t b = 0; b < tutti_block_count(vectors, CHANNEL_VECTORS); b += 1) {
    const tutti_block block = tutti_block_at(b, vectors, CHANNEL_VECTORS);
    const int32_t first = block.first * LANES, rest = targets - first;
    chunk.first_target = first_target + first;
    chunk.vectors = block.count;
    chunk.targets = rest < block.count * LANES ? rest : block.count * LANES;
    for (int32_t c = 0; c < tutti_block_count(columns, CHANNEL_CHUNK); c += 1) {
      chunk_gradient(&chunk, tutti_block_at(c, columns, CHANNEL_CHUNK), first_source,
                     job->result + first * job->result_stride);
    }
  }
}
