// What a worker is known for by the votes it gave. A pure value; the hub keeps it.
//
// As in BOINC's adaptive replication: trust is a number of agreements in a row, and one proven lie
// ends it. Slowness is no part of it.
#pragma once

#include <cstdint>

namespace hyps::voting {

inline constexpr std::uint64_t kAgreementsToReturn = 10;

struct Reputation {
  std::uint64_t agreements = 0;  // in all
  std::uint64_t lies = 0;        // in all
  std::uint64_t in_a_row = 0;    // agreements since the last lie
  bool quarantined = false;      // works in the shadow: compared, but its vote does not count

  // One result that agreed with the quorum's. In quarantine the tenth in a row ends it; what came
  // before the lie never counts again.
  void agreed();
  // One result proved wrong: quarantined at once.
  void lied();
  // Checked only now and then, if the user wants that.
  [[nodiscard]] bool is_trusted(std::uint64_t after_agreements) const;

  bool operator==(const Reputation&) const = default;
};

}  // namespace hyps::voting
