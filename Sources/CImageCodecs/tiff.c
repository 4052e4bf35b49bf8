#include "messages.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>
#include <unistd.h>

struct codec_tiff {
  TIFF *tiff;
};

// What the library said last on this thread; its handlers are set for the whole process.
static _Thread_local char said[512];

static void keep(const char *module, const char *format, va_list values) {
  (void)module;
  if (!said[0]) vsnprintf(said, sizeof said, format, values);
}

/// Tags that lie beyond the end of the file are a warning to the library, which goes on without them.
static void keep_losses(const char *module, const char *format, va_list values) {
  if (strstr(format, "IO error")) keep(module, format, values);
}

static void set_handlers(void) {
  TIFFSetErrorHandler(keep);
  TIFFSetWarningHandler(keep_losses);
}

static void begin(struct codec_message *message) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_handlers);
  said[0] = message->text[0] = 0;
}

static int failed(struct codec_message *message, const char *otherwise) {
  SAY(message, "%s", said[0] ? said : otherwise);
  return -1;
}

static codec_tiff *opened(const char *path, const char *mode, struct codec_message *message) {
  begin(message);
  TIFF *tiff = TIFFOpen(path, mode);
  codec_tiff *file = tiff && !said[0] ? malloc(sizeof *file) : NULL;
  if (file) {
    file->tiff = tiff;
  } else {
    failed(message, "no memory");
    if (tiff) TIFFClose(tiff);
  }
  return file;
}

codec_tiff *codec_tiff_open(const char *path, struct codec_message *message) {
  // M: without mapping the file, which would end the program when another shortens it.
  return opened(path, "rm", message);
}

void codec_tiff_close(codec_tiff *file) {
  if (!file) return;
  TIFFClose(file->tiff);
  free(file);
}

/// Whether the file reaches the place where a directory says what comes next; the library takes what is not there for
/// 0.
static int has_end(TIFF *tiff) {
  const int is_big = TIFFIsBigTIFF(tiff), descriptor = TIFFFileno(tiff);
  const off_t start = (off_t)TIFFCurrentDirOffset(tiff), size = lseek(descriptor, 0, SEEK_END);
  unsigned char bytes[8];
  const int count = is_big ? 8 : 2;
  if (pread(descriptor, bytes, (size_t)count, start) != count) return 0;
  uint64_t entries = 0;
  for (int i = 0; i < count; i++) entries = entries << 8 | bytes[TIFFIsBigEndian(tiff) ? i : count - 1 - i];
  if (entries > 65535) return 0;
  return start + count + (off_t)entries * (is_big ? 20 : 12) + (is_big ? 8 : 4) <= size;
}

int codec_tiff_next(codec_tiff *file, struct codec_message *message) {
  begin(message);
  if (TIFFLastDirectory(file->tiff)) return has_end(file->tiff) ? 0 : failed(message, "the list of pages is cut off");
  return TIFFReadDirectory(file->tiff) && !said[0] ? 1 : failed(message, "the next page cannot be read");
}

int codec_tiff_go(codec_tiff *file, uint64_t directory, struct codec_message *message) {
  begin(message);
  if (TIFFCurrentDirOffset(file->tiff) == directory) return 0;
  return TIFFSetSubDirectory(file->tiff, directory) ? 0 : failed(message, "the page cannot be read");
}

int codec_tiff_describe(codec_tiff *file, struct codec_tiff_page *page, struct codec_message *message) {
  begin(message);
  TIFF *tiff = file->tiff;
  memset(page, 0, sizeof *page);
  page->directory = TIFFCurrentDirOffset(tiff);
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &page->width) || !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &page->height))
    return failed(message, "it has no width or height");
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &page->bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &page->sample_format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &page->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &page->planar);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &page->compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &page->resolution_unit);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &page->subfile_type);
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &page->photometric);
  TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &page->x_resolution);
  TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &page->y_resolution);
  page->is_swapped = TIFFIsByteSwapped(tiff);
  page->is_known_codec = TIFFIsCODECConfigured(page->compression);
  // JPEG stores brightness and colour; the library gives red, green and blue.
  if (page->compression == COMPRESSION_JPEG && page->photometric == PHOTOMETRIC_YCBCR) {
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    page->photometric = PHOTOMETRIC_RGB;
  }
  page->is_tiled = TIFFIsTiled(tiff);
  if (page->is_tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &page->block_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &page->block_height);
    page->block_bytes = TIFFTileSize(tiff);
    page->blocks = TIFFNumberOfTiles(tiff);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &page->block_height);
    if (page->block_height > page->height || !page->block_height) page->block_height = page->height;
    page->block_width = page->width;
    page->block_bytes = TIFFStripSize(tiff);
    page->blocks = TIFFNumberOfStrips(tiff);
  }
  return 0;
}

const char *codec_tiff_description(codec_tiff *file) {
  char *text = NULL;
  return TIFFGetField(file->tiff, TIFFTAG_IMAGEDESCRIPTION, &text) ? text : NULL;
}

const char *codec_tiff_compression(uint16_t compression) {
  const TIFFCodec *codec = TIFFFindCODEC(compression);
  return codec ? codec->name : NULL;
}

int64_t codec_tiff_read_block(codec_tiff *file, uint32_t block, void *bytes, int64_t size,
                              struct codec_message *message) {
  begin(message);
  const int64_t count = TIFFIsTiled(file->tiff) ? TIFFReadEncodedTile(file->tiff, block, bytes, size)
                                                : TIFFReadEncodedStrip(file->tiff, block, bytes, size);
  return count < 0 ? failed(message, "its data cannot be unpacked") : count;
}

uint64_t codec_tiff_block_offset(codec_tiff *file, uint32_t block) { return TIFFGetStrileOffset(file->tiff, block); }

codec_tiff *codec_tiff_create(const char *path, int is_big, struct codec_message *message) {
  return opened(path, is_big ? "w8" : "w", message);
}

int codec_tiff_write_page(codec_tiff *file, const struct codec_tiff_output *page, const void *pixels,
                          struct codec_message *message) {
  begin(message);
  TIFF *tiff = file->tiff;
  const int is_rgb = page->samples == 3;
  int good = TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, page->width)
    && TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, page->height) && TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, page->bits)
    && TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, page->sample_format)
    && TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, page->samples)
    && TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG)
    && TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, is_rgb ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK)
    && TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE)
    && TIFFSetField(tiff, TIFFTAG_PREDICTOR, page->sample_format == SAMPLEFORMAT_IEEEFP ? PREDICTOR_FLOATINGPOINT
                                                                                       : PREDICTOR_HORIZONTAL);
  if (good && page->description) good = TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, page->description);
  if (good && page->x_resolution > 0 && page->y_resolution > 0)
    good = TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, page->resolution_unit)
      && TIFFSetField(tiff, TIFFTAG_XRESOLUTION, page->x_resolution)
      && TIFFSetField(tiff, TIFFTAG_YRESOLUTION, page->y_resolution);
  const int64_t row = (int64_t)page->width * page->samples * (page->bits / 8);
  int64_t rows = (256 << 10) / (row ? row : 1);
  rows = rows < 1 ? 1 : rows > page->height ? page->height : rows;
  good = good && TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, (uint32_t)rows);
  // The library may change what it packs: it is given a copy.
  char *copy = good ? malloc((size_t)(rows * row)) : NULL;
  good = copy != NULL;
  for (int64_t first = 0, strip = 0; good && first < page->height; first += rows, strip++) {
    const int64_t count = (page->height - first < rows ? page->height - first : rows) * row;
    memcpy(copy, (const char *)pixels + first * row, (size_t)count);
    good = TIFFWriteEncodedStrip(tiff, (uint32_t)strip, copy, count) == count;
  }
  free(copy);
  good = good && TIFFWriteDirectory(tiff);
  return good ? 0 : failed(message, "the page cannot be written");
}
