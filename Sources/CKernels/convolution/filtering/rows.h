// How source rows are transformed, and how they lie then. Included by quads.h.

// Points 0, ±1, ±2, ∞: their transform of the source has few products.
#define FILTERING_P 1.0f
#define FILTERING_Q 2.0f

/// Six rows to six points.
INLINE void filtering_input(vector *d) {
  const vector four = (vector)4.0f, two = (vector)2.0f;
  const vector u = d[4] - d[2], v = d[3] - d[1];
  const vector s = multiply_add(-four, d[2], d[4]), t = multiply_add(-four, d[1], d[3]);
  d[0] = multiply_add(four, d[0] - d[2], u);
  d[5] = multiply_add(-four, v, d[5] - d[3]);
  d[1] = s + t, d[2] = s - t;
  d[3] = multiply_add(two, v, u), d[4] = multiply_add(-two, v, u);
}

/// What a tap along x reads in the target vectors before `head` and from `tail` on, where padding stands for pixels of
/// the row: a row of its own, which is made as far as tiles with such vectors go.
typedef struct {
  int32_t head, tail;
  int32_t made_head, made_tail;
  ptrdiff_t head_place, tail_place;  // of target pixel 0 (made or not), from where the transformed row begins
} folded_tap;

/// How the transformed rows of one quad lie in the scratch memory: [z entry][channel][point][pixel], and behind each
/// its folded rows.
typedef struct {
  int32_t first, last;  // vectors of a transformed row; beside these are zeros
  int32_t reach;        // pixels before first_x that it begins
  ptrdiff_t length;     // of a transformed row
  ptrdiff_t row;        // floats from a point to the next
  ptrdiff_t sum_row;    // floats of a row of sums
  folded_tap folded[TUTTI_FILTERING_X_TAPS];
} filtering_plan;

static filtering_plan plan_filtering(const int32_t *x_shift, int32_t x_taps, int32_t first_x, int32_t width) {
  int32_t reach = -x_shift[0], beyond = x_shift[0];
  for (int32_t t = 1; t < x_taps; t += 1) {
    if (-x_shift[t] > reach) reach = -x_shift[t];
    if (x_shift[t] > beyond) beyond = x_shift[t];
  }
  // Rows begin at whole vectors, as those of an image do.
  reach += (int32_t)((uint32_t)(first_x - reach) % 16);
  filtering_plan plan = {.reach = reach};
  plan.last = (width + reach + beyond + LANES - 1) / LANES;
  // A tile's loads go as far as whole vectors do.
  const int32_t row = (width + LANES - 1) / LANES * LANES + reach + beyond;
  plan.length = plan.row = (row + 15) / 16 * 16;
  plan.sum_row = (width + LANES - 1) / LANES * LANES;
  return plan;
}

/// Whether all six points of a pixel are summed at once, in registers: for so few targets that they are one block,
/// whose sources need not be kept transformed, and for so few sources that writing each point's sums, and reading them
/// again, would cost much.
static bool sums_points_at_once(int32_t target_channels, int32_t source_channels) {
  return FILTERING_TARGETS > 0 && (target_channels < FILTERING_TARGETS || source_channels <= FILTERING_FEW_SOURCES);
}

/// Targets of a block.
static int32_t filtering_block(int32_t target_channels, int32_t source_channels) {
  return sums_points_at_once(target_channels, source_channels) ? FILTERING_TARGETS : LARGEST_BLOCK;
}

/// Extends what is made of a folded row to whole tiles of at most `widest` vectors.
static void cover_tiles(int32_t vectors, int32_t widest, folded_tap *tap) {
  for (int32_t v = 0; v < tutti_block_count(vectors, widest); v += 1) {
    const tutti_block some = tutti_block_at(v, vectors, widest);
    const int32_t end = some.first + some.count;
    if (some.first < tap->head && end > tap->made_head) tap->made_head = end;
    if (end > tap->tail && some.first < tap->made_tail) tap->made_tail = some.first;
  }
}

/// Finds where each tap reads folded rows, and gives these their places.
static void plan_folded_rows(const tutti_filtering *job, filtering_plan *plan) {
  const int32_t vectors = (job->width + LANES - 1) / LANES;
  for (int32_t t = 0; t < job->x_taps; t += 1) {
    plan->folded[t] = (folded_tap){.tail = vectors, .made_tail = vectors};
  }
  for (int32_t i = 0; i < job->folded_count; i += 1) {
    folded_tap *const tap = &plan->folded[job->folded[i].tap];
    const int32_t x = job->folded[i].x - job->first_x, v = x / LANES;
    if (2 * x < job->width) {
      if (v >= tap->head) tap->head = v + 1;
    } else if (v < tap->tail) {
      tap->tail = v;
    }
  }
  const int32_t largest = filtering_block(job->target_channels, job->source_channels);
  const int32_t blocks = tutti_block_count(job->target_channels, largest);
  const bool at_once = sums_points_at_once(job->target_channels, job->source_channels);
  for (int32_t t = 0; t < job->x_taps; t += 1) {
    folded_tap *const tap = &plan->folded[t];
    if (tap->head == 0 && tap->tail == vectors) continue;
    // Blocks are of two sizes at most.
    for (int32_t b = 0; b < blocks; b += blocks > 1 ? blocks - 1 : 1) {
      const int32_t channels = tutti_block_at(b, job->target_channels, largest).count;
      cover_tiles(vectors, at_once ? 1 : widest_tile[channels - 1][0], tap);
    }
    if (tap->made_tail < tap->made_head) tap->made_tail = tap->made_head;
    const int32_t between = tap->made_tail - tap->made_head;
    tap->head_place = plan->row;
    tap->tail_place = plan->row - (ptrdiff_t)between * LANES;
    plan->row += ((ptrdiff_t)(vectors - between) * LANES + 15) / 16 * 16;
  }
}

static filtering_plan plan_run(const tutti_filtering *job) {
  filtering_plan plan = plan_filtering(job->x_shift, job->x_taps, job->first_x, job->width);
  const int32_t begin = job->first_x - plan.reach, end = begin + plan.last * LANES;
  const int32_t first = job->first_source_x > begin ? job->first_source_x : begin;
  const int32_t last = job->last_source_x < end ? job->last_source_x : end;
  if (first < last) {
    plan.first = (first - begin) / LANES;
    plan.last = (last - begin + LANES - 1) / LANES;
  } else {
    plan.first = plan.last;
  }
  if (job->folded_count > 0) plan_folded_rows(job, &plan);
  return plan;
}

/// Brings a vector of what lies `ahead` of a quad's last four rows, the next ones that a quad below needs, into the
/// second cache.
INLINE void fetch_ahead(const float *const *rows, ptrdiff_t ahead) {
  UNROLL for (int i = 2; i < 6; i += 1) __builtin_prefetch(rows[i] + ahead, 0, 2);
}

/// Six source rows of one channel to six points, `point` floats apart; rows that are not there are zeros.
INLINE void filter_source(const bool whole, const float *const *rows, int32_t vectors, ptrdiff_t ahead, float *to,
                          ptrdiff_t point) {
  for (int32_t v = 0; v < vectors; v += 1, to += LANES) {
    if (whole) fetch_ahead(rows, ahead + v * LANES);
    vector d[6];
    UNROLL for (int i = 0; i < 6; i += 1) d[i] = whole || rows[i] != NULL ? load(rows[i] + v * LANES) : (vector)0;
    filtering_input(d);
    UNROLL for (int i = 0; i < 6; i += 1) *(vector *)(to + i * point) = d[i];
  }
}

/// The points of some source channels of a quad.
static void filter_sources(const float *const *sources, int32_t channels, const ptrdiff_t *places, ptrdiff_t ahead,
                           int32_t first_x, int32_t vectors, float *to, ptrdiff_t step, ptrdiff_t point) {
  bool whole = true;
  for (int32_t i = 0; i < 6; i += 1) whole &= places[i] >= 0;
  for (int32_t c = 0; c < channels; c += 1, to += step) {
    const float *p[6];
    for (int32_t i = 0; i < 6; i += 1) p[i] = places[i] < 0 ? NULL : sources[c] + places[i] + first_x;
    if (whole) {
      filter_source(true, p, vectors, ahead, to, point);
    } else {
      filter_source(false, p, vectors, ahead, to, point);
    }
  }
}

/// Zeros beside what is transformed of some rows.
static void clear_margins(const filtering_plan *plan, ptrdiff_t rows, float *row) {
  for (; rows > 0; rows -= 1, row += plan->row) {
    for (ptrdiff_t x = 0; x < plan->first * LANES; x += LANES) *(vector *)(row + x) = (vector)0;
    for (ptrdiff_t x = plan->last * LANES; x < plan->length; x += LANES) *(vector *)(row + x) = (vector)0;
  }
}

/// Copies target vectors first ..< last of what a tap reads to where its folded rows have them.
static void copy_vectors(const filtering_plan *plan, ptrdiff_t rows, const float *from, float *to, int32_t first,
                         int32_t last) {
  for (int32_t v = first; v < last; v += 1) {
    for (ptrdiff_t r = 0; r < rows; r += 1) {
      *(vector *)(to + r * plan->row + v * LANES) = load(from + r * plan->row + v * LANES);
    }
  }
}

/// Adds some neighbouring pixels of every row to others: `from` is the first one's, and the others' lie behind it or
/// before it.
static void add_pixels(const filtering_plan *plan, ptrdiff_t rows, const float *from, float *to, int32_t count,
                       bool descends) {
  for (ptrdiff_t r = 0; r < rows; r += 1, from += plan->row, to += plan->row) {
    if (count == 1) {
      *to += *from;
    } else if (descends) {
      const vector v = load(from - (LANES - 1));
      store_first(to, load_first(to, count) + __builtin_shufflevector(v, v, REVERSED_LANES), count);
    } else {
      store_first(to, load_first(to, count) + load_first(from, count), count);
    }
  }
}

/// Makes the folded rows of some transformed ones.
static void fold_rows(const tutti_filtering *job, const filtering_plan *plan, ptrdiff_t rows, float *row) {
  const int32_t vectors = (job->width + LANES - 1) / LANES;
  const float *const source = row + plan->reach - job->first_x;
  for (int32_t t = 0; t < job->x_taps; t += 1) {
    const folded_tap *const tap = &plan->folded[t];
    const float *const from = row + plan->reach + job->x_shift[t];
    copy_vectors(plan, rows, from, row + tap->head_place, 0, tap->made_head);
    copy_vectors(plan, rows, from, row + tap->tail_place, tap->made_tail, vectors);
  }
  for (int32_t i = 0; i < job->folded_count;) {
    // As many neighbours as a vector holds whose sources are neighbours too, in this order or the other one.
    const tutti_folded_pixel *const first = &job->folded[i];
    const int32_t left = job->folded_count - i, most = left < LANES ? left : LANES;
    const int32_t step = left > 1 ? first[1].source - first->source : 0;
    int32_t count = 1;
    while (count < most && (step == 1 || step == -1) && first[count].tap == first->tap &&
           first[count].x == first->x + count && first[count].source == first->source + count * step) {
      count += 1;
    }
    const folded_tap *const tap = &plan->folded[first->tap];
    const int32_t x = first->x - job->first_x;
    float *const to = row + (x < tap->made_head * LANES ? tap->head_place : tap->tail_place) + x;
    add_pixels(plan, rows, source + first->source, to, count, step == -1);
    i += count;
  }
}

/// How far from a target pixel of the vectors first ..< last each tap reads in a transformed row.
INLINE void place_taps(const tutti_filtering *job, const filtering_plan *plan, int32_t first, int32_t last,
                       int32_t *shift) {
  for (int32_t t = 0; t < job->x_taps; t += 1) {
    shift[t] = job->x_shift[t] + plan->reach;
    if (job->folded_count == 0) continue;
    const folded_tap *const tap = &plan->folded[t];
    if (first < tap->head) {
      shift[t] = (int32_t)tap->head_place;
    } else if (last > tap->tail) {
      shift[t] = (int32_t)tap->tail_place;
    }
  }
}
