#include "convolution/reference.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF

void tutti_convolution_rows_reference(const tutti_convolution *job, const float *weights, bool transposed, bool fused,
                                      int32_t first_row, int32_t last_row) {
  const ptrdiff_t taps = (ptrdiff_t)job->z_taps * job->y_taps * job->x_taps;
  for (int32_t co = 0; co < job->target_channels; co += 1) {
    for (int32_t row = first_row; row < last_row; row += 1) {
      const int32_t z = row / job->target_rows, y = row % job->target_rows;
      for (int32_t x = job->first_x; x < job->first_x + job->width; x += 1) {
        float *target = job->target + co * job->target_channel_stride + (ptrdiff_t)row * job->target_pitch + x;
        float sum = job->accumulate ? *target : job->bias != NULL ? job->bias[co] : 0;
        const int32_t last =
            job->summed_sources > 0 ? job->first_source + job->summed_sources : job->source_channels;
        for (int32_t ci = job->first_source; ci < last; ci += 1) {
          const ptrdiff_t pair = transposed ? (ptrdiff_t)ci * job->target_channels + co
                                            : (ptrdiff_t)co * job->source_channels + ci;
          for (int32_t i = job->z.start[z]; i < job->z.start[z + 1]; i += 1) {
            for (int32_t j = job->y.start[y]; j < job->y.start[y + 1]; j += 1) {
              for (int32_t tx = 0; tx < job->x_taps; tx += 1) {
                const float w =
                    weights[pair * taps + (job->z.tap[i] * job->y_taps + job->y.tap[j]) * job->x_taps + tx];
                const ptrdiff_t source_row = (ptrdiff_t)job->z.source[i] * job->source_rows + job->y.source[j];
                const float s = job->source[ci * job->source_channel_stride + source_row * job->source_pitch + x +
                                            job->x_shift[tx]];
                sum = fused ? fmaf(w, s, sum) : sum + w * s;
              }
            }
          }
        }
        *target = sum;
      }
    }
  }
}

void tutti_convolution_weight_gradient_reference(const tutti_weight_gradient *job, int32_t first_target,
                                                 int32_t last_target, int32_t first_source, int32_t last_source) {
  const ptrdiff_t taps = (ptrdiff_t)job->z_taps * job->y_taps * job->x_taps;
  for (int32_t co = first_target; co < last_target; co += 1) {
    for (int32_t ci = first_source; ci < last_source; ci += 1) {
      for (int32_t tap = 0; tap < taps; tap += 1) {
        const int32_t tx = tap % job->x_taps, zy = tap / job->x_taps, ty = zy % job->y_taps, tz = zy / job->y_taps;
        double sum = 0;
        for (int32_t z = 0; z < job->gradient_planes; z += 1) {
          for (int32_t y = 0; y < job->gradient_rows; y += 1) {
            for (int32_t i = job->z.start[z]; i < job->z.start[z + 1]; i += 1) {
              for (int32_t j = job->y.start[y]; j < job->y.start[y + 1]; j += 1) {
                if (job->z.tap[i] != tz || job->y.tap[j] != ty) continue;
                const float *g = job->gradient + co * job->gradient_channel_stride +
                                 ((ptrdiff_t)z * job->gradient_rows + y) * job->gradient_pitch;
                const float *s =
                    job->source + ci * job->source_channel_stride +
                    ((ptrdiff_t)job->z.source[i] * job->source_rows + job->y.source[j]) * job->source_pitch +
                    job->x_shift[tx];
                for (int32_t x = 0; x < job->width; x += 1) {
                  sum += (double)g[x] * (double)s[(ptrdiff_t)x * job->x_step];
                }
              }
            }
          }
        }
        job->result[(co - first_target) * job->result_stride + (ci - first_source) * taps + tap] = (float)sum;
      }
    }
  }
}
