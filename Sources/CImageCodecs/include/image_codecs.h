// Image files and packed bytes by the system's libraries, behind calls that return a code and a message.
//
// The libraries report errors by printing, by variadic handlers and by longjmp. None of that leaves this target: every
// function returns 0 (or what its comment says), and on failure -1 with the reason in `message`.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// The library's reason for a failure.
struct codec_message {
  char text[512];
};

// TIFF ----------------------------------------------------------------------------------------------------------------

typedef struct codec_tiff codec_tiff;

/// What a page says about itself. Blocks are its tiles, or its strips.
struct codec_tiff_page {
  uint64_t directory;  // where the page is in the file
  uint32_t width, height, subfile_type;
  uint16_t bits, sample_format, samples, planar, compression, photometric, resolution_unit;
  int is_tiled, is_swapped, is_known_codec;
  uint32_t block_width, block_height;
  int64_t block_bytes;  // of a block when unpacked
  uint32_t blocks;
  float x_resolution, y_resolution;
};

/// Opens a file for reading, at its first page; NULL on failure.
codec_tiff *codec_tiff_open(const char *path, struct codec_message *message);
void codec_tiff_close(codec_tiff *file);
/// Goes to the next page: 1, 0 after the last, -1 on failure.
int codec_tiff_next(codec_tiff *file, struct codec_message *message);
/// Goes to the page of a directory.
int codec_tiff_go(codec_tiff *file, uint64_t directory, struct codec_message *message);
int codec_tiff_describe(codec_tiff *file, struct codec_tiff_page *page, struct codec_message *message);
/// The page's text; NULL when it has none. Valid until the next call.
const char *codec_tiff_description(codec_tiff *file);
/// The name of a compression; NULL when it is not known.
const char *codec_tiff_compression(uint16_t compression);
/// Unpacks a block; returns the number of bytes, or -1.
int64_t codec_tiff_read_block(codec_tiff *file, uint32_t block, void *bytes, int64_t size,
                              struct codec_message *message);
/// Where a block is in the file.
uint64_t codec_tiff_block_offset(codec_tiff *file, uint32_t block);

/// A page to be written: one sample a pixel, or several interleaved ones.
struct codec_tiff_output {
  uint32_t width, height;
  uint16_t bits, sample_format, samples, resolution_unit;
  float x_resolution, y_resolution;  // pixels a unit; 0: not known
  const char *description;           // NULL: none
};
/// Makes a file; a big one may be larger than 4 GB. NULL on failure.
codec_tiff *codec_tiff_create(const char *path, int is_big, struct codec_message *message);
/// Adds a page, packed with deflate.
int codec_tiff_write_page(codec_tiff *file, const struct codec_tiff_output *page, const void *pixels,
                          struct codec_message *message);

// PNG -----------------------------------------------------------------------------------------------------------------

struct codec_png {
  uint32_t width, height;
  int bits, channels, is_palette, is_interlaced;
  uint32_t x_per_metre, y_per_metre;  // 0: not known
};
int codec_png_describe(const char *path, struct codec_png *image, struct codec_message *message);
/// Reads whole rows, `rows` of them from `first` on: a byte or (in this machine's order) two for each channel of a
/// pixel.
int codec_png_read(const char *path, uint32_t first, uint32_t rows, void *pixels, struct codec_message *message);
/// Writes an image of 8 or 16 bits and 1 or 3 channels.
int codec_png_write(const char *path, const struct codec_png *image, const void *pixels, struct codec_message *message);

// Packed bytes --------------------------------------------------------------------------------------------------------

typedef struct codec_gzip codec_gzip;

/// Opens a gzip file for reading at any place; NULL on failure.
codec_gzip *codec_gzip_open(const char *path, struct codec_message *message);
void codec_gzip_close(codec_gzip *file);
/// Reads unpacked bytes from an offset on; returns their number, less than `count` at the end, or -1.
///
/// What lies before is unpacked from the nearest of the points that earlier calls kept, one in 4 MB.
int64_t codec_gzip_read(codec_gzip *file, int64_t offset, void *bytes, int64_t count, struct codec_message *message);

/// Whether the program was built with the libraries.
int codec_has_blosc(void);
int codec_has_zstd(void);
/// Unpack all of a buffer into one of a known size; return the number of bytes, or -1.
int64_t codec_blosc_unpack(const void *packed, int64_t count, void *bytes, int64_t size, struct codec_message *message);
int64_t codec_zstd_unpack(const void *packed, int64_t count, void *bytes, int64_t size, struct codec_message *message);
/// Of zlib or gzip.
int64_t codec_zlib_unpack(const void *packed, int64_t count, void *bytes, int64_t size, struct codec_message *message);
/// Packs a buffer as gzip; returns the number of bytes, or -1 when they are more than `size`.
int64_t codec_gzip_pack(const void *bytes, int64_t count, void *packed, int64_t size, int level);
/// Packs a buffer with zstd; returns the number of bytes, or -1.
int64_t codec_zstd_pack(const void *bytes, int64_t count, void *packed, int64_t size, int level);
/// Room that packing surely needs.
int64_t codec_pack_bound(int64_t count);

// Folders -------------------------------------------------------------------------------------------------------------

/// Lets two files or folders of one file system change names at once; -1, with `errno`, when that cannot be.
int codec_exchange_names(const char *first, const char *second);

/// Brings to the disk what was written to the file system of an open file (`syncfs`); -1, with `errno`, on failure, also of
/// what failed since the file was opened.
int codec_flush_file_system(int descriptor);
