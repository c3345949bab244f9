#include "services/voter/options.hpp"

#include "common/service/options.hpp"

namespace hyps::voter {

namespace {

constexpr std::int64_t kTebibyte = std::int64_t{1} << 40U;
constexpr std::int64_t kDayMs = std::int64_t{24} * 3600 * 1000;

}  // namespace

void declare(runtime::Schema& schema, Options& options) {
  schema.text("id", &options.id, "this voter's name");
  schema.bytes("max_value_bytes", &options.max_value_bytes, 1, kTebibyte,
               "feature maps that are held to be compared, in all; as many again may be arriving");
  schema.integer("values_timeout_ms", &options.values_timeout_ms, 1000, kDayMs,
                 "milliseconds that the values of a ballot may take to come");
  service::declare_log_level(schema, &options.log_level);
  runtime::declare(schema, options.broker);
}

}  // namespace hyps::voter
