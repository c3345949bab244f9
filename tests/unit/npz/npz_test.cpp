#include "common/npz/npz.hpp"

#include <gmock/gmock.h>
#include <zip.h>

#include "common/base/random.hpp"
#include "common/cnn/npy.hpp"

namespace hyps::npz {
namespace {

using cnn::DType;
using cnn::Tensor;
using testing::HasSubstr;

constexpr std::uint64_t kPlenty = 1 << 20U;

// As numpy.savez_compressed writes x = [1.5, -2] (float32) and in/n = [[7]] (int64).
constexpr const char* kOfNumpy =
    "504b03042d000000080000002100d6434b05ffffffffffffffff05001400782e6e7079010010008800000000"
    "0000004b000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9366a2aea3a09e965f5452"
    "9498179f5f94920a12774bcc294e058a17672416a402f91a463a9a3a0ab50a14002e068603f60c400200504b"
    "03042d00000008000000210089a36b63ffffffffffffffff08001400696e2f6e2e6e70790100100088000000"
    "000000004a000000000000009bec17ea1b10c9c850c650ad9e925a9c5ca46ea5a06e9369a1aea3a09e965f54"
    "529498179f5f94920a12774bcc294e058a17672416a402f91a863a0a869a3a0ab50a64032e7606080000504b"
    "01022d032d000000080000002100d6434b054b00000088000000050000000000000000000000800100000000"
    "782e6e7079504b01022d032d00000008000000210089a36b634a000000880000000800000000000000000000"
    "00800182000000696e2f6e2e6e7079504b0506000000000200020069000000060100000000";

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::string error_in(const std::string& archive, std::uint64_t most = kPlenty) {
  const auto arrays = parse_npz(Blob::of(archive), most);
  return arrays.ok() ? "" : arrays.error().message;
}

// An archive made by libzip itself, with any entries and compression.
class Maker {
 public:
  void add(const std::string& name, std::string bytes, zip_int32_t method = ZIP_CM_DEFLATE) {
    files_.push_back({name, std::move(bytes), method});
  }
  std::string bytes() {
    zip_error_t error;
    zip_source_t* target = zip_source_buffer_create(nullptr, 0, 0, &error);
    zip_source_keep(target);
    zip_t* archive = zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, &error);
    for (const File& file : files_) {
      zip_source_t* source = zip_source_buffer(archive, file.bytes.data(), file.bytes.size(), 0);
      const auto index = static_cast<zip_uint64_t>(
          zip_file_add(archive, file.name.c_str(), source, ZIP_FL_ENC_UTF_8));
      EXPECT_EQ(zip_set_file_compression(archive, index, file.method, 0), 0);
      if (!password.empty()) {
        zip_file_set_encryption(archive, index, ZIP_EM_AES_256, password.c_str());
      }
    }
    EXPECT_EQ(zip_close(archive), 0);
    zip_stat_t stat;
    zip_source_stat(target, &stat);
    std::string text(stat.size, '\0');
    zip_source_open(target);
    zip_source_read(target, text.data(), text.size());
    zip_source_close(target);
    zip_source_free(target);
    return text;
  }
  std::string password;

 private:
  struct File {
    std::string name;
    std::string bytes;
    zip_int32_t method;
  };
  std::vector<File> files_;
};

std::string small_npy() { return cnn::to_npy(Tensor::floats({2}, {1, 2})); }

TEST(Npz, ReadsWhatNumpyWrites) {
  const auto arrays = parse_npz(Blob::of(from_hex(kOfNumpy)), kPlenty);
  ASSERT_TRUE(arrays.ok()) << arrays.error().message;
  ASSERT_EQ(arrays->size(), 2U);
  EXPECT_THAT(arrays->at("x").f32(), testing::ElementsAre(1.5F, -2));
  EXPECT_THAT(arrays->at("in/n").i64(), testing::ElementsAre(7));
  EXPECT_EQ(arrays->at("in/n").shape, (cnn::Shape{1, 1}));
}

TEST(Npz, GivesBackWhatWasPut) {
  Arrays arrays{{"boxes", Tensor::floats({2, 3}, {1, 2, 3, 4, 5, 6})},
                {"output:0", Tensor::integers({}, {-9})},
                {"mask", {DType::boolean, {3}, Blob::copy_of(std::string("\1\0\1", 3))}},
                {"ids", {DType::i32, {1}, Blob::copy_of("abcd")}},
                {"bytes", {DType::u8, {0}, {}}}};
  const auto file = to_npz(arrays);
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_TRUE(looks_like_npz(Blob::of(*file)));
  const auto back = parse_npz(Blob::of(*file), kPlenty);
  ASSERT_TRUE(back.ok()) << back.error().message;
  ASSERT_EQ(back->size(), arrays.size());
  for (const auto& [name, tensor] : arrays) {
    EXPECT_EQ(back->at(name).type, tensor.type) << name;
    EXPECT_EQ(back->at(name).shape, tensor.shape) << name;
    EXPECT_EQ(back->at(name).data, tensor.data) << name;
  }
  EXPECT_EQ(*to_npz(arrays), *file) << "equal tensors, equal bytes";
}

TEST(Npz, RefusesWhatIsTooMuch) {
  Maker many;
  for (int i = 0; i < 257; ++i) many.add("x" + std::to_string(i) + ".npy", small_npy());
  EXPECT_THAT(error_in(many.bytes()), HasSubstr("it has 257 entries; 1 to 256"));
  Maker bomb;  // a thousand to one
  bomb.add("x.npy", std::string(64 << 20U, '\0'));
  const std::string small = bomb.bytes();
  EXPECT_LT(small.size(), 100'000U);
  EXPECT_THAT(error_in(small), HasSubstr("'x.npy' of 67108864 bytes it has more than is wanted"));
  Maker together;
  together.add("x.npy", small_npy());
  together.add("y.npy", small_npy());
  const std::uint64_t one = small_npy().size();
  EXPECT_EQ(error_in(together.bytes(), 2 * one), "");
  EXPECT_THAT(error_in(together.bytes(), 2 * one - 1), HasSubstr("more than is wanted"));
}

TEST(Npz, RefusesOtherEntriesThanNumpys) {
  const auto with = [](const std::string& name, const std::string& bytes,
                       zip_int32_t method = ZIP_CM_DEFLATE, const std::string& password = "") {
    Maker maker;
    maker.password = password;
    maker.add(name, bytes, method);
    return error_in(maker.bytes());
  };
  EXPECT_EQ(with("x.npy", small_npy()), "");
  EXPECT_EQ(with("x.npy", small_npy(), ZIP_CM_STORE), "");
  EXPECT_THAT(with("readme.txt", "hello"), HasSubstr("'readme.txt', which is no NAME.npy"));
  EXPECT_THAT(with(".npy", small_npy()), HasSubstr("no NAME.npy"));
  EXPECT_THAT(with(std::string(1025, 'x') + ".npy", small_npy()), HasSubstr("no NAME.npy"));
  EXPECT_THAT(with("x.npy", "no array"), HasSubstr("'x': npy file"));
  EXPECT_THAT(with("x.npy", small_npy(), ZIP_CM_BZIP2), HasSubstr("in another way than NumPy"));
  EXPECT_THAT(with("x.npy", small_npy(), ZIP_CM_STORE, "secret"), HasSubstr("is encrypted"));
  Maker empty;
  EXPECT_FALSE(looks_like_npz(Blob::of(std::string("PK"))));
  EXPECT_NE(error_in("PK\x05\x06"), "");
}

TEST(Npz, FindsDamage) {
  const std::string good = *to_npz({{"x", Tensor::floats({4}, {1, 2, 3, 4})}});
  std::string flipped = good;
  const std::size_t data = good.find(" \n") + 2;  // after the header
  flipped[data] = static_cast<char>(flipped[data] ^ 1);
  EXPECT_THAT(error_in(flipped), HasSubstr("damaged"));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_NE(error_in(good.substr(0, size)), "");
}

// An archive with any bits flipped is refused, or is another archive within the bounds.
TEST(Npz, SurvivesFlippedBits) {
  const std::string good = from_hex(kOfNumpy);
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string bad = good;
    for (std::uint64_t i = random.below(4) + 1; i > 0; --i) {
      bad[random.below(bad.size())] ^= static_cast<char>(1U << random.below(8));
    }
    const auto arrays = parse_npz(Blob::of(bad), 4096);
    if (!arrays.ok()) continue;
    std::size_t bytes = 0;
    for (const auto& [name, tensor] : *arrays) bytes += tensor.data.size();
    ASSERT_LE(bytes, 4096U);
  }
}

}  // namespace
}  // namespace hyps::npz
