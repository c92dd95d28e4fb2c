// The ring of kept elements; see payloads.h.
#include <gradus/see/payloads.h>
#include <gradus/see/words.h>

namespace gradus::see {
namespace {

std::int64_t storage_bytes(const TapeValue& value) {
  return static_cast<std::int64_t>(value.payload.storage().bytes());
}

}  // namespace

const std::vector<TapeIndex>& Payloads::holders(const void* storage) const {
  static const std::vector<TapeIndex> nobody;
  const auto found = by_storage_.find(storage);
  return found == by_storage_.end() ? nobody : found->second.values;
}

void Payloads::hold(TapeIndex index) {
  const TapeValue& value = at(tape_.values, index);
  if (!value.payload) return;
  Holders& holders = by_storage_[value.payload.storage().data()];
  if (holders.values.empty()) bytes_ += storage_bytes(value);
  holders.values.push_back(index);
  order_.push_back(index);
  while (bytes_ > budget_ && drop_oldest()) {
  }
}

void Payloads::let_go(TapeIndex index) {
  TapeValue& value = at(tape_.values, index);
  if (!value.payload) return;
  const auto found = by_storage_.find(value.payload.storage().data());
  if (found != by_storage_.end()) {
    std::erase(found->second.values, index);
    if (found->second.values.empty()) {
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
