#include "messages.h"
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

static void fail(png_structp png, png_const_charp text) {
  struct codec_message *message = png_get_error_ptr(png);
  SAY(message, "%s", text);
  longjmp(png_jmpbuf(png), 1);
}
static void ignore(png_structp png, png_const_charp text) { (void)png, (void)text; }

static FILE *opened(const char *path, const char *mode, struct codec_message *message) {
  message->text[0] = 0;
  FILE *file = fopen(path, mode);
  if (!file) SAY(message, "%s", strerror(errno));
  return file;
}

/// Reads what comes before the pixels.
static void begin(png_structp png, png_infop info, FILE *file, struct codec_png *image) {
  png_init_io(png, file);
  // Sizes are limited by the caller, who knows the memory.
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_read_info(png, info);
  image->width = png_get_image_width(png, info);
  image->height = png_get_image_height(png, info);
  image->bits = png_get_bit_depth(png, info);
  image->channels = png_get_channels(png, info);
  image->is_palette = png_get_color_type(png, info) == PNG_COLOR_TYPE_PALETTE;
  image->is_interlaced = png_get_interlace_type(png, info) != PNG_INTERLACE_NONE;
  image->x_per_metre = png_get_x_pixels_per_meter(png, info);
  image->y_per_metre = png_get_y_pixels_per_meter(png, info);
}

/// Does something with a file that libpng has opened; its errors end in `fail`.
typedef void (*png_body)(png_structp png, png_infop info, FILE *file, void *context);

/// Opens a file for reading or writing and calls `body`. What `context` holds is the caller's to free.
static int with_png(const char *path, int writes, png_body body, void *context, struct codec_message *message) {
  FILE *file = opened(path, writes ? "wb" : "rb", message);
  if (!file) return -1;
  png_structp png = writes ? png_create_write_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore)
                           : png_create_read_struct(PNG_LIBPNG_VER_STRING, message, fail, ignore);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  volatile int result = -1;
  if (info && !setjmp(png_jmpbuf(png))) {
    body(png, info, file, context);
    result = 0;
  }
  if (writes) png_destroy_write_struct(&png, &info);
  else png_destroy_read_struct(&png, &info, NULL);
  if (fclose(file) && writes) {
    SAY(message, "%s", strerror(errno));
    result = -1;
  }
  if (result) SAY(message, "no memory");
  return result;
}

/// Whether this machine's numbers must be turned round for 16 bits.
static int is_little_endian(void) {
  const int one = 1;
  return *(const char *)&one;
}

static void describe(png_structp png, png_infop info, FILE *file, void *context) { begin(png, info, file, context); }

int codec_png_describe(const char *path, struct codec_png *image, struct codec_message *message) {
  return with_png(path, 0, describe, image, message);
}

struct read_rows {
  uint32_t first;
  uint32_t rows;
  png_bytep pixels;
  /// A row, or all of an interlaced image.
  png_bytep scratch;
};

static void read_rows(png_structp png, png_infop info, FILE *file, void *context) {
  struct read_rows *wanted = context;
  struct codec_png image;
  begin(png, info, file, &image);
  if (image.bits < 8) png_set_packing(png);
  if (image.bits == 16 && is_little_endian()) png_set_swap(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t row = png_get_rowbytes(png, info);
  wanted->scratch = malloc(passes == 1 ? row : row * image.height);
  if (!wanted->scratch) png_error(png, "no memory");
  if (passes == 1) {
    for (uint32_t y = 0; y < wanted->first + wanted->rows; y++) {
      const int isWanted = y >= wanted->first;
      png_read_row(png, isWanted ? wanted->pixels + (size_t)(y - wanted->first) * row : wanted->scratch, NULL);
    }
    return;
  }
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t y = 0; y < image.height; y++) png_read_row(png, wanted->scratch + y * row, NULL);
  memcpy(wanted->pixels, wanted->scratch + wanted->first * row, wanted->rows * row);
}

int codec_png_read(const char *path, uint32_t first, uint32_t rows, void *pixels, struct codec_message *message) {
  struct read_rows wanted = {first, rows, pixels, NULL};
  const int result = with_png(path, 0, read_rows, &wanted, message);
  free(wanted.scratch);
  return result;
}

struct write_rows {
  const struct codec_png *image;
  png_const_bytep pixels;
};

static void write_rows(png_structp png, png_infop info, FILE *file, void *context) {
  const struct write_rows *given = context;
  const struct codec_png *image = given->image;
  png_init_io(png, file);
  const int color = image->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY;
  png_set_IHDR(png, info, image->width, image->height, image->bits, color, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (image->x_per_metre && image->y_per_metre)
    png_set_pHYs(png, info, image->x_per_metre, image->y_per_metre, PNG_RESOLUTION_METER);
  png_write_info(png, info);
  if (image->bits == 16 && is_little_endian()) png_set_swap(png);
  const size_t row = (size_t)image->width * image->channels * (image->bits / 8);
  for (uint32_t y = 0; y < image->height; y++) png_write_row(png, given->pixels + y * row);
  png_write_end(png, info);
}

int codec_png_write(const char *path, const struct codec_png *image, const void *pixels,
                    struct codec_message *message) {
  struct write_rows given = {image, pixels};
  return with_png(path, 1, write_rows, &given, message);
}
