#include "common/planning/balance.hpp"

#include <algorithm>
#include <limits>

namespace hyps::planning {

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

struct KindOfStation {
  Station station;
  std::vector<std::size_t> members;
};

std::vector<KindOfStation> kinds_of(const std::vector<Station>& stations) {
  std::vector<KindOfStation> kinds;
  for (std::size_t i = 0; i < stations.size(); ++i) {
    auto at = std::find_if(kinds.begin(), kinds.end(),
                           [&](const auto& kind) { return kind.station == stations[i]; });
    if (at == kinds.end()) at = kinds.insert(kinds.end(), {stations[i], {}});
    at->members.push_back(i);
  }
  return kinds;
}

std::size_t states_of(const std::vector<KindOfStation>& kinds) {
  std::size_t states = 1;
  for (const auto& kind : kinds) {
    if (states > kMostStates) break;
    states *= kind.members.size() + 1;
  }
  return states;
}

// What either of them can do.
void merge(KindOfStation& into, const KindOfStation& other) {
  Station& station = into.station;
  station.flops_per_s = std::min(station.flops_per_s, other.station.flops_per_s);
  station.may_end = station.may_end && other.station.may_end;
  for (std::size_t i = 0; i < station.reach.size(); ++i) {
    station.reach[i] = std::min(station.reach[i], other.station.reach[i]);
  }
  into.members.insert(into.members.end(), other.members.begin(), other.members.end());
}

// Until they are few enough: the two most alike become one. Those that may end stay apart from
// those that may not while there are others.
void coarsen(std::vector<KindOfStation>& kinds) {
  std::sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) {
    if (a.station.may_end != b.station.may_end) return a.station.may_end;
    return a.station.flops_per_s > b.station.flops_per_s;
  });
  while (kinds.size() > 1 && states_of(kinds) > kMostStates) {
    std::size_t closest = 0;
    double least = kNever;
    for (std::size_t i = 0; i + 1 < kinds.size(); ++i) {
      const Station& a = kinds[i].station;
      const Station& b = kinds[i + 1].station;
      const double apart = a.may_end == b.may_end ? a.flops_per_s / b.flops_per_s : 1e300;
      if (apart < least) {
        least = apart;
        closest = i;
      }
    }
    merge(kinds[closest], kinds[closest + 1]);
    kinds.erase(kinds.begin() + static_cast<std::ptrdiff_t>(closest) + 1);
  }
}

class Balancer {
 public:
  Balancer(const Chain& chain, std::vector<KindOfStation> kinds, double bytes_per_s)
      : chain_(chain), kinds_(std::move(kinds)), bytes_per_s_(bytes_per_s) {
    flops_before_.push_back(0);
    for (const double flops : chain.flops) flops_before_.push_back(flops_before_.back() + flops);
    std::size_t states = 1;
    for (const auto& kind : kinds_) {
      weight_.push_back(states);  // of this kind's count in a state's number
      states *= kind.members.size() + 1;
    }
    best_.assign(states, std::vector<Step>(size() + 1));
    best_[0][0].slowest_s = 0;
  }

  std::optional<Stages> run() {
    // A state's successors have higher numbers, and within one the chain only grows.
    for (std::size_t state = 0; state < best_.size(); ++state) {
      for (std::size_t kind = 0; kind < kinds_.size(); ++kind) {
        if (count(state, kind) < kinds_[kind].members.size()) extend(state, kind);
      }
    }
    std::optional<std::size_t> chosen;
    for (std::size_t state = 0; state < best_.size(); ++state) {
      const double slowest_s = best_[state][size()].slowest_s;
      if (slowest_s == kNever) continue;
      const bool better =
          !chosen || slowest_s < best_[*chosen][size()].slowest_s ||
          (slowest_s == best_[*chosen][size()].slowest_s && used(state) < used(*chosen));
      if (better) chosen = state;
    }
    if (!chosen) return std::nullopt;
    return stages_of(*chosen);
  }

 private:
  struct Step {  // how the elements before an index are done best by a state's stations
    double slowest_s = kNever;
    std::size_t begin = 0;  // of the last stage
    std::size_t kind = 0;   // who has it
  };

  [[nodiscard]] std::size_t size() const { return chain_.flops.size(); }
  [[nodiscard]] std::size_t count(std::size_t state, std::size_t kind) const {
    return state / weight_[kind] % (kinds_[kind].members.size() + 1);
  }
  [[nodiscard]] std::size_t used(std::size_t state) const {
    std::size_t stages = 0;
    for (std::size_t kind = 0; kind < kinds_.size(); ++kind) stages += count(state, kind);
    return stages;
  }

  // One more stage, by a station of this kind.
  void extend(std::size_t state, std::size_t kind) {
    const Station& station = kinds_[kind].station;
    auto& next = best_[state + weight_[kind]];
    for (std::size_t begin = 0; begin < size(); ++begin) {
      const double before_s = best_[state][begin].slowest_s;
      if (before_s == kNever || (begin == 0 && !station.may_end)) continue;
      for (std::size_t end = begin + 1; end <= station.reach[begin]; ++end) {
        if (end == size() && !station.may_end) continue;
        const double compute_s = (flops_before_[end] - flops_before_[begin]) / station.flops_per_s;
        const double moved = chain_.cross_bytes[begin] + chain_.cross_bytes[end];
        const double slowest_s = std::max(before_s, compute_s + moved / bytes_per_s_);
        if (slowest_s < next[end].slowest_s) next[end] = {slowest_s, begin, kind};
      }
    }
  }

  [[nodiscard]] Stages stages_of(std::size_t state) const {
    Stages stages;
    stages.slowest_s = best_[state][size()].slowest_s;
    std::vector<std::size_t> given(kinds_.size(), 0);
    for (std::size_t end = size(); end > 0;) {
      const Step& step = best_[state][end];
      stages.begins.insert(stages.begins.begin(), step.begin);
      stages.stations.insert(stages.stations.begin(),
                             kinds_[step.kind].members[given[step.kind]++]);
      state -= weight_[step.kind];
      end = step.begin;
    }
    return stages;
  }

  const Chain& chain_;
  const std::vector<KindOfStation> kinds_;
  const double bytes_per_s_;
  std::vector<double> flops_before_;
  std::vector<std::size_t> weight_;
  std::vector<std::vector<Step>> best_;  // [state][end]
};

}  // namespace

std::optional<Stages> balance(const Chain& chain, const std::vector<Station>& stations,
                              double bytes_per_s) {
  if (chain.flops.empty()) return std::nullopt;
  auto kinds = kinds_of(stations);
  coarsen(kinds);
  return Balancer(chain, std::move(kinds), bytes_per_s).run();
}

}  // namespace hyps::planning
