// Convolution as a matrix product: columns of source pixels, and their adjoint.

#include <string.h>

#include "convolution/convolution.h"

/// The target indices first ..< last along one axis whose source for one tap is `source`, `source` + step, … .
typedef struct {
  int32_t first, last, source, step;
} linear_run;

enum { MOST_RUNS = 32 };  // taps along x that have a fast path

/// The entry of target index i whose tap is `tap`, or -1.
static int32_t entry_of_tap(tutti_axis map, int32_t i, int32_t tap) {
  const int32_t first = map.start[i], last = map.start[i + 1];
  if (tap < last - first && map.tap[first + tap] == tap) return first + tap;
  for (int32_t e = first; e < last; e += 1) {
    if (map.tap[e] == tap) return e;
  }
  return -1;
}

/// The longest run of targets with equally spaced sources for one tap.
static linear_run longest_run(tutti_axis map, int32_t count, int32_t tap) {
  linear_run best = {0, 0, 0, 1}, run = best;
  for (int32_t i = 0; i < count; i += 1) {
    const int32_t entry = entry_of_tap(map, i, tap);
    if (entry < 0) {
      run = (linear_run){i + 1, i + 1, 0, 1};
      continue;
    }
    const int32_t source = map.source[entry], length = i - run.first;
    if (length == 1) run.step = source - run.source;
    if (length == 0 || source != run.source + length * run.step) {
      // A run's last pixel may begin the next one: the bend of a reflected border.
      const bool bend = length >= 2;
      const int32_t before = bend ? map.source[entry_of_tap(map, i - 1, tap)] : source;
      run = bend ? (linear_run){i - 1, i, before, source - before} : (linear_run){i, i, source, 1};
    }
    run.last = i + 1;
    if (run.last - run.first > best.last - best.first) best = run;
  }
  return best;
}

static void pixels_to_columns(const float *row, tutti_axis x, int32_t tap, int32_t first, int32_t last, float *column) {
  for (int32_t i = first; i < last; i += 1) {
    const int32_t entry = entry_of_tap(x, i, tap);
    column[i] = entry < 0 ? 0 : row[x.source[entry]];
  }
}

static void columns_to_pixels(const float *column, tutti_axis x, int32_t tap, int32_t first, int32_t last, float *row) {
  for (int32_t i = first; i < last; i += 1) {
    const int32_t entry = entry_of_tap(x, i, tap);
    if (entry >= 0) row[x.source[entry]] += column[i];
  }
}

void tutti_im2col(const float *source, ptrdiff_t channel_stride, int32_t source_rows, int32_t source_pitch,
                  tutti_axis z, tutti_axis y, tutti_axis x, int32_t z_taps, int32_t y_taps, int32_t x_taps, int32_t nz,
                  int32_t ny, int32_t nx, int32_t first_channel, int32_t last_channel, float *columns) {
  linear_run runs[MOST_RUNS];
  for (int32_t tx = 0; tx < x_taps && tx < MOST_RUNS; tx += 1) runs[tx] = longest_run(x, nx, tx);
  const int32_t taps = z_taps * y_taps * x_taps;
  const ptrdiff_t pixels = (ptrdiff_t)nz * ny * nx;
  for (int32_t ci = first_channel; ci < last_channel; ci += 1) {
    for (int32_t tap = 0; tap < taps; tap += 1) {
      const int32_t tx = tap % x_taps, ty = tap / x_taps % y_taps, tz = tap / x_taps / y_taps;
      const linear_run run = tx < MOST_RUNS ? runs[tx] : (linear_run){nx, nx, 0, 1};
      float *column = columns + ((ptrdiff_t)ci * taps + tap) * pixels;
      for (int32_t iz = 0; iz < nz; iz += 1) {
        const int32_t ez = entry_of_tap(z, iz, tz);
        if (ez < 0) {
          memset(column, 0, sizeof(float) * (size_t)ny * (size_t)nx);
          column += (ptrdiff_t)ny * nx;
          continue;
        }
        const float *plane = source + ci * channel_stride + (ptrdiff_t)z.source[ez] * source_rows * source_pitch;
        for (int32_t iy = 0; iy < ny; iy += 1, column += nx) {
          const int32_t ey = entry_of_tap(y, iy, ty);
          if (ey < 0) {
            memset(column, 0, sizeof(float) * (size_t)nx);
            continue;
          }
          const float *row = plane + (ptrdiff_t)y.source[ey] * source_pitch, *s = row + run.source;
          pixels_to_columns(row, x, tx, 0, run.first, column);
          if (run.step == 1) {
            memcpy(column + run.first, s, sizeof(float) * (size_t)(run.last - run.first));
          } else {
            for (int32_t i = run.first; i < run.last; i += 1) column[i] = s[(ptrdiff_t)(i - run.first) * run.step];
          }
          pixels_to_columns(row, x, tx, run.last, nx, column);
        }
      }
    }
  }
}

void tutti_col2im(const float *columns, float *source, ptrdiff_t channel_stride, int32_t source_rows,
                  int32_t source_pitch, tutti_axis z, tutti_axis y, tutti_axis x, int32_t z_taps, int32_t y_taps,
                  int32_t x_taps, int32_t nz, int32_t ny, int32_t nx, int32_t first_channel, int32_t last_channel) {
  linear_run runs[MOST_RUNS];
  for (int32_t tx = 0; tx < x_taps && tx < MOST_RUNS; tx += 1) runs[tx] = longest_run(x, nx, tx);
  const int32_t taps = z_taps * y_taps * x_taps;
  const ptrdiff_t pixels = (ptrdiff_t)nz * ny * nx;
  for (int32_t ci = first_channel; ci < last_channel; ci += 1) {
    for (int32_t tap = 0; tap < taps; tap += 1) {
      const int32_t tx = tap % x_taps, ty = tap / x_taps % y_taps, tz = tap / x_taps / y_taps;
      const linear_run run = tx < MOST_RUNS ? runs[tx] : (linear_run){nx, nx, 0, 1};
      for (int32_t iz = 0; iz < nz; iz += 1) {
        const int32_t ez = entry_of_tap(z, iz, tz);
        if (ez < 0) continue;
        float *plane = source + ci * channel_stride + (ptrdiff_t)z.source[ez] * source_rows * source_pitch;
        for (int32_t iy = 0; iy < ny; iy += 1) {
          const int32_t ey = entry_of_tap(y, iy, ty);
          if (ey < 0) continue;
          const float *column = columns + ((ptrdiff_t)ci * taps + tap) * pixels + ((ptrdiff_t)iz * ny + iy) * nx;
          float *row = plane + (ptrdiff_t)y.source[ey] * source_pitch, *s = row + run.source;
          columns_to_pixels(column, x, tx, 0, run.first, row);
          if (run.step == 1) {
            const float *c = column + run.first;
            for (int32_t i = 0; i < run.last - run.first; i += 1) s[i] += c[i];
          } else {
            for (int32_t i = run.first; i < run.last; i += 1) s[(ptrdiff_t)(i - run.first) * run.step] += column[i];
          }
          columns_to_pixels(column, x, tx, run.last, nx, row);
        }
      }
    }
  }
}
