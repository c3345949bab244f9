#include "common/voting/reputation.hpp"

namespace hyps::voting {

void Reputation::agreed() {
  ++agreements;
  ++in_a_row;
  if (in_a_row >= kAgreementsToReturn) quarantined = false;
}

void Reputation::lied() {
  ++lies;
  in_a_row = 0;
  quarantined = true;
}

bool Reputation::is_trusted(std::uint64_t after_agreements) const {
  return !quarantined && in_a_row >= after_agreements;
}

}  // namespace hyps::voting
