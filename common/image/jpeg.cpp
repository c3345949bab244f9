// libjpeg-turbo: default (accurate) transform and upsampling, so pixels equal those of PIL.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
// clang-format off: jpeglib.h needs size_t and FILE from the lines above, jerror.h needs jpeglib.h
#include <jerror.h>
#include <jpeglib.h>
// clang-format on

#include "common/image/decoders.hpp"

namespace hyps::image {
namespace {

constexpr int kMaxScans = 100;

struct Decompressor {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "";

  ~Decompressor() { jpeg_destroy_decompress(&info); }
};

[[noreturn]] void fail(j_common_ptr info) {
  auto* self = static_cast<Decompressor*>(info->client_data);
  info->err->format_message(info, self->message);
  std::longjmp(self->jump, 1);
}

bool is_harmless(int warning) {
  return warning == JWRN_EXTRANEOUS_DATA || warning == JWRN_JFIF_MAJOR ||
         warning == JWRN_ADOBE_XFORM || warning == JWRN_TOO_MUCH_DATA;
}

void on_message(j_common_ptr info, int level) {
  if (level < 0 && !is_harmless(info->err->msg_code)) fail(info);
}

void limit_scans(j_common_ptr info) {
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= kMaxScans) return;
  auto* self = static_cast<Decompressor*>(info->client_data);
  std::snprintf(self->message, sizeof self->message, "more than %d scans", kMaxScans);
  std::longjmp(self->jump, 1);
}

// Runs calls of libjpeg; false if it jumped out of them. `step` and what it captures must be
// trivially destructible: a jump runs no destructor.
template <typename Step>
bool guarded(Decompressor& jpeg, const Step& step) {
  if (setjmp(jpeg.jump) != 0) return false;
  step(jpeg.info);
  return true;
}

bool open(Decompressor& jpeg, const Blob& bytes) {
  jpeg.info.err = jpeg_std_error(&jpeg.errors);
  jpeg.errors.error_exit = fail;
  jpeg.errors.emit_message = on_message;
  jpeg.progress.progress_monitor = limit_scans;
  jpeg.info.client_data = &jpeg;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto size = static_cast<unsigned long>(bytes.size());
  return guarded(jpeg, [data, size, &jpeg](jpeg_decompress_struct& info) {
    jpeg_create_decompress(&info);  // clears the struct, but for err and client_data
    info.progress = &jpeg.progress;
    jpeg_mem_src(&info, data, size);
    jpeg_read_header(&info, TRUE);
  });
}

// Adobe stores CMYK inverted, so that 255 is no ink; others follow.
void rgb_from_cmyk(const std::uint8_t* cmyk, std::uint8_t* rgb, int width) {
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    for (int c = 0; c < 3; ++c) {
      rgb[c] = static_cast<std::uint8_t>((cmyk[c] * cmyk[3] + 127) / 255);
    }
  }
}

bool read_rows(Decompressor& jpeg, Image& image) {
  const bool cmyk = jpeg.info.out_color_space == JCS_CMYK;
  const auto stride = static_cast<std::size_t>(image.width) * 3;
  std::vector<std::uint8_t> ink(cmyk ? static_cast<std::size_t>(image.width) * 4 : 0);
  // Reserved but not touched: a short file that claims a large picture costs address space only.
  image.rgb.reserve(stride * static_cast<std::size_t>(image.height));
  for (int y = 0; y < image.height; ++y) {
    image.rgb.resize(image.rgb.size() + stride);
    std::uint8_t* target = image.rgb.data() + image.rgb.size() - stride;
    std::uint8_t* row = cmyk ? ink.data() : target;
    const bool ok = guarded(
        jpeg, [&row](jpeg_decompress_struct& info) { jpeg_read_scanlines(&info, &row, 1); });
    if (!ok) return false;
    if (cmyk) rgb_from_cmyk(row, target, image.width);
  }
  return guarded(jpeg, [](jpeg_decompress_struct& info) { jpeg_finish_decompress(&info); });
}

// Of a picture in several scans all are held until the last one; else a row of blocks at a time.
std::int64_t coefficient_bytes(jpeg_decompress_struct& info) {
  if (jpeg_has_multiple_scans(&info) == FALSE) return 0;
  std::int64_t blocks = 0;
  for (int i = 0; i < info.num_components; ++i) {
    const jpeg_component_info& component = info.comp_info[i];
    blocks += std::int64_t{component.width_in_blocks} * component.height_in_blocks;
  }
  return blocks * DCTSIZE2 * static_cast<std::int64_t>(sizeof(JCOEF));
}

bool start(Decompressor& jpeg) {
  const bool inks =
      jpeg.info.jpeg_color_space == JCS_CMYK || jpeg.info.jpeg_color_space == JCS_YCCK;
  jpeg.info.out_color_space = inks ? JCS_CMYK : JCS_RGB;
  return guarded(jpeg, [](jpeg_decompress_struct& info) { jpeg_start_decompress(&info); });
}

}  // namespace

bool is_jpeg(const Blob& bytes) { return bytes.text().starts_with("\xff\xd8\xff"); }

Result<Image> decode_jpeg(const Blob& bytes, std::int64_t most_bytes) {
  Decompressor jpeg;
  if (!open(jpeg, bytes)) return broken("JPEG", jpeg.message);
  HYPS_CHECK(check_size(jpeg.info.image_width, jpeg.info.image_height,
                        {most_bytes, coefficient_bytes(jpeg.info)}));
  Image image{
      static_cast<int>(jpeg.info.image_width), static_cast<int>(jpeg.info.image_height), {}};
  if (!start(jpeg) || !read_rows(jpeg, image)) return broken("JPEG", jpeg.message);
  return image;
}

}  // namespace hyps::image
