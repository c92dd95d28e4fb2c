// The ring of kept elements; see payloads.h.
#include <gradus/see/identity.h>
#include <gradus/see/payloads.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

std::int64_t storage_bytes(const TapeValue& value) {
  return static_cast<std::int64_t>(value.payload.storage().bytes());
}
std::pair<std::int64_t, std::int64_t> view_of(const Tensor& x) {
  return {x.layout().offset, x.numel()};
}

}  // namespace

std::vector<TapeIndex> Payloads::holders(const void* storage) const {
  std::vector<TapeIndex> list;
  if (const auto found = by_storage_.find(storage); found != by_storage_.end())
    for (const auto& [view, index] : found->second.values) list.push_back(index);
  return list;
}

TapeIndex Payloads::same_as(const Tensor& x, std::uint64_t version) {
  const auto found = by_storage_.find(x.storage().data());
  if (found == by_storage_.end()) return none;
  const auto [first, last] = found->second.values.equal_range(view_of(x));
  for (auto it = first; it != last; ++it) {
    ++looked_at_;
    const TapeValue& value = at(tape_.values, it->second);
    if (value.version == version && value.spec.dtype == x.dtype() &&
        same_elements(value.payload.layout(), x.layout()))
      return it->second;
  }
  return none;
}

void Payloads::hold(TapeIndex index) {
  const TapeValue& value = at(tape_.values, index);
  if (!value.payload) return;
  Holders& holders = by_storage_[value.payload.storage().data()];
  if (holders.values.empty()) bytes_ += storage_bytes(value);
  holders.values.emplace(view_of(value.payload), index);
  order_.push_back(index);
  while (bytes_ > budget_ && drop_oldest()) {
  }
}

void Payloads::let_go(TapeIndex index) {
  TapeValue& value = at(tape_.values, index);
  if (!value.payload) return;
  const auto found = by_storage_.find(value.payload.storage().data());
  if (found != by_storage_.end()) {
    auto& values = found->second.values;
    for (auto [it, last] = values.equal_range(view_of(value.payload)); it != last; ++it) {
      ++looked_at_;
      if (it->second != index) continue;
      values.erase(it);
      break;
    }
    if (values.empty()) {
      bytes_ -= storage_bytes(value);
      if (found->second.is_pinned) pinned_bytes_ -= storage_bytes(value);
      by_storage_.erase(found);
    }
  }
  value.payload = Tensor();
}

void Payloads::let_go_unless(const std::function<bool(TapeIndex)>& stays) {
  for (const TapeIndex index : order_)
    if (!stays(index)) let_go(index);
  std::erase_if(order_, [&](TapeIndex index) { return !at(tape_.values, index).payload; });
}

/// Takes the oldest entry out; false where there is none.
bool Payloads::drop_oldest() {
  if (order_.empty()) return false;
  const TapeIndex index = order_.front();
  order_.pop_front();
  ++looked_at_;
  const TapeValue& value = at(tape_.values, index);
  if (!value.payload) return true;
  if (pinned_.contains(index)) {
    Holders& holders = by_storage_[value.payload.storage().data()];
    if (holders.is_pinned) return true;
    if (pinned_bytes_ + storage_bytes(value) <= budget_ / 2) {
      holders.is_pinned = true;
      pinned_bytes_ += storage_bytes(value);
      return true;
    }
  }
  let_go(index);
  return true;
}

}  // namespace gradus::see
