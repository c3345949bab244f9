// libpng. Every colour type becomes 8-bit RGB; alpha is dropped.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "common/image/decoders.hpp"

namespace hyps::image {
namespace {

struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::byte> rest;
  std::jmp_buf jump{};
  char message[160] = "";

  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  auto* self = static_cast<Reader*>(png_get_error_ptr(png));
  std::snprintf(self->message, sizeof self->message, "%s", text);
  std::longjmp(self->jump, 1);
}

void on_warning(png_structp, png_const_charp) {}

void on_read(png_structp png, png_bytep target, std::size_t size) {
  auto* self = static_cast<Reader*>(png_get_io_ptr(png));
  if (size > self->rest.size()) png_error(png, "the file ends early");
  std::memcpy(target, self->rest.data(), size);
  self->rest = self->rest.subspan(size);
}

// Runs calls of libpng; false if it jumped out of them. `step` and what it captures must be
// trivially destructible: a jump runs no destructor.
template <typename Step>
bool guarded(Reader& reader, const Step& step) {
  if (setjmp(reader.jump) != 0) return false;
  step(reader.png, reader.info);
  return true;
}

bool open(Reader& reader, const Blob& bytes) {
  reader.rest = bytes.bytes();
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  if (reader.png == nullptr) return false;
  png_set_read_fn(reader.png, &reader, on_read);
  return guarded(reader, [&reader](png_structp png, png_infop) {
    reader.info = png_create_info_struct(png);
    png_read_info(png, reader.info);
  });
}

// Deflate packs at most 1032 to 1; a header that promises more lies, and gets no memory.
bool can_hold(const Reader& reader, std::size_t file_size) {
  const std::size_t row = png_get_rowbytes(reader.png, reader.info);
  return row * png_get_image_height(reader.png, reader.info) / 1100 <= file_size;
}

// Asks for 8-bit RGB; how often the rows must be read (more than once if interlaced), or 0.
int start(Reader& reader) {
  int passes = 0;
  guarded(reader, [&passes](png_structp png, png_infop info) {
    png_set_expand(png);  // palettes, fewer than 8 bits, transparent colours
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
    const int needed = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    if (png_get_channels(png, info) != 3 || png_get_bit_depth(png, info) != 8) {
      png_error(png, "its colour type is unknown");
    }
    passes = needed;
  });
  return passes;
}

bool read_rows(Reader& reader, Image& image, int passes) {
  const auto stride = static_cast<std::size_t>(image.width) * 3;
  image.rgb.resize(stride * static_cast<std::size_t>(image.height));
  return guarded(reader, [&image, stride, passes](png_structp png, png_infop) {
    for (int pass = 0; pass < passes; ++pass) {
      std::uint8_t* row = image.rgb.data();
      for (int y = 0; y < image.height; ++y, row += stride) png_read_row(png, row, nullptr);
    }
    png_read_end(png, nullptr);
  });
}

}  // namespace

bool is_png(const Blob& bytes) { return bytes.text().starts_with("\x89PNG\r\n\x1a\n"); }

Result<Image> decode_png(const Blob& bytes, std::int64_t most_bytes) {
  Reader reader;
  if (!open(reader, bytes)) return broken("PNG", reader.message);
  const auto width = png_get_image_width(reader.png, reader.info);
  const auto height = png_get_image_height(reader.png, reader.info);
  HYPS_CHECK(check_size(width, height, {most_bytes}));
  if (!can_hold(reader, bytes.size())) return broken("PNG", "the file ends early");
  Image image{static_cast<int>(width), static_cast<int>(height), {}};
  const int passes = start(reader);
  if (passes == 0 || !read_rows(reader, image, passes)) return broken("PNG", reader.message);
  return image;
}

}  // namespace hyps::image
