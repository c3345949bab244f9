// Inputs that are none: each gets an answer that says why, and good ones go on being answered.
#include "tests/support/shapes_cluster.hpp"

namespace hyps::test {
namespace {

std::string big_endian(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>((value >> shift) & 0xffU);
  return text;
}

std::uint32_t crc32(const std::string& text) {
  std::uint32_t crc = 0xffffffffU;
  for (const char c : text) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

// A well-formed beginning: signature and header, and no pixels.
std::string png_header(std::uint32_t width, std::uint32_t height) {
  const std::string header =
      "IHDR" + big_endian(width) + big_endian(height) + std::string("\x08\x02\x00\x00\x00", 5);
  return "\x89PNG\r\n\x1a\n" + big_endian(13) + header + big_endian(crc32(header)) + big_endian(0) +
         "IDAT" + big_endian(crc32("IDAT"));
}

class BadInputs : public ShapesCluster {
 protected:
  void SetUp() override { start_and_deploy(); }

  // The latest answer to this input.
  json answer_to(const std::string& model, const std::string& job, const std::string& payload) {
    client_.ask(model, job, Blob::copy_of(payload));
    EXPECT_TRUE(client_.wait_answered(30'000)) << job << " has no answer";
    json latest = json::object();
    for (const auto& [id, answers] : client_.answers()) {
      for (const Answer& answer : answers) {
        if (answer.correlation == job) latest = answer.body;
      }
    }
    return latest;
  }
};

TEST_F(BadInputs, PicturesThatCannotBeReadFailAndSayWhy) {
  const std::string jpeg(picture("star.jpg").bytes.text());
  const std::string png(picture("star.png").bytes.text());
  const std::vector<std::pair<std::string, std::string>> bad = {
      {"no-image", "I am not a picture, only words"},
      {"random-bytes", std::string(5000, '\xa7')},
      {"half-a-jpeg", jpeg.substr(0, jpeg.size() / 2)},
      {"jpeg-without-end", jpeg.substr(0, jpeg.size() - 20)},
      {"half-a-png", png.substr(0, png.size() / 2)},
      {"only-a-jpeg-marker", jpeg.substr(0, 3)},
      {"huge-png", png_header(30'000, 30'000)},
      {"huge-ppm", "P6\n30000 30000\n255\n"},
      {"npy-of-another-shape", std::string("\x93NUMPY\x01\x00v\x00", 10) + "{nonsense"},
  };
  for (const auto& [job, payload] : bad) {
    const json answer = answer_to("shapes", job, payload);
    EXPECT_EQ(answer.value("state", ""), "failed") << job << ": " << answer;
    EXPECT_THAT(answer.value("error", ""), testing::HasSubstr("ingest")) << job;
  }
  EXPECT_THAT(answer_to("shapes", "huge-again", png_header(30'000, 30'000)).value("error", ""),
              testing::HasSubstr("30000"));
  expect_still_answering();
  EXPECT_EQ(client_.query("status").at("jobs_failed"), bad.size() + 1);
}

TEST_F(BadInputs, WhatCannotBecomeAJobIsRefusedWithTheReason) {
  const std::string good(picture("star.jpg").bytes.text());
  const auto refused = [&](const std::string& model, const std::string& job,
                           const std::string& payload, const std::string& why) {
    const json answer = answer_to(model, job, payload);
    EXPECT_EQ(answer.value("state", ""), "refused") << job << ": " << answer;
    EXPECT_THAT(answer.value("error", ""), testing::HasSubstr(why)) << job;
  };
  refused("shapes", "empty", "", "empty");
  refused("nobody", "unknown-model", good, "nobody");
  refused("shapes", "a/b", good, "job-id");
  refused("shapes", "-x", good, "job-id");
  refused("shapes", std::string(65, 'j'), good, "job-id");
  refused("shapes", "oversize", std::string((16U << 20U) + 1, 'x'), "16.0 MB");
  expect_still_answering();
  refused("shapes", "good-0", std::string(picture("ring.jpg").bytes.text()), "used before");
  EXPECT_EQ(client_.query("status").at("jobs_failed"), 0);
}

TEST_F(BadInputs, AnInputBeyondTheBrokersLimitDoesNotCutTheClientOff) {
  const bus::Message monster{.topic = "hyps/shapes/input",
                             .payload = Blob::of(std::string(18'000'000, 'x'))};
  const Status status = client_.try_publish(monster);
  if (!status.ok()) {
    EXPECT_THAT(status.error().message, testing::HasSubstr("broker"));
  }
  expect_still_answering();
}

TEST_F(BadInputs, TheCommandLineSaysWhichPictureIsBad) {
  const auto file = cluster_.folder() / "broken.jpg";
  std::ofstream(file) << "no picture";
  const Outcome outcome =
      cluster_.hyps({"infer", file.string(), source("models/images/star.jpg").string()});
  EXPECT_EQ(outcome.code, 1) << outcome.errors;
  EXPECT_THAT(outcome.output, testing::HasSubstr("failed"));
  EXPECT_THAT(outcome.output, testing::HasSubstr("star"));
  const Outcome nobody = cluster_.hyps({"infer", file.string(), "--model", "nobody"});
  EXPECT_NE(nobody.code, 0);
  EXPECT_THAT(nobody.output + nobody.errors, testing::HasSubstr("nobody"));
}

}  // namespace
}  // namespace hyps::test
