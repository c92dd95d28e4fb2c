// Chain: an element of a tape's value followed back through the calls that made it: through copies
// to where it was computed, and along the chain rule as a product of factors, one for each wheel.
// why.h tells it in words, gears.h draws it.
#pragma once

#include <gradus/see/elements.h>

namespace gradus::see {

/// The index that a sum runs over, in place of a number.
inline constexpr std::int64_t running = -1;

/// An element of a value; one entry of the index may be `running`.
struct Element {
  TapeIndex value;
  Ints index;
};

/// One factor of a chain: a local derivative, or the gradient that the chain begins with.
struct Factor {
  std::string text;  ///< "w2[39,0]", "gate", "dloss/dout"
  double value = 1;
  std::string remark{};  ///< "l1 = 8.773", why a gate is open
  std::string layer{};   ///< the forward tick whose derivative it is: "lin2"
};

class Chain {
 public:
  explicit Chain(const Elements& elements) : elements_(elements), tape_(elements.tape()) {}

  double read(const Element& e, std::int64_t n = 0) const;
  const Shape& shape(TapeIndex value) const;
  /// The event that made a value, or null.
  const TapeEvent* maker(TapeIndex value) const;
  /// The forward tick that an event of the backward pass differentiates: "lin2"; or empty.
  std::string layer_of(const TapeEvent& event) const;
  /// "x[n,237]".
  std::string label(const Element& e) const;
  /// The element of the call's input that this one is a copy of; none where it was computed.
  std::optional<Element> source(const Element& e) const;
  /// The same through any number of copies, as long as the name stays unknown to the reader.
  Element traced(Element e, bool at_least_once) const;
  std::optional<Element> broadcast(const Element& e, TapeIndex input) const;
  /// The same where the input's shape allows it at all.
  std::optional<Element> same_place(const Element& e, TapeIndex input) const;
  /// The element as a product along the chain rule, the loss first.
  std::vector<Factor> factors(const Element& e, std::int64_t n, int depth = 0) const;

 private:
  /// Those of the call that made an element; none where it is no product.
  std::vector<Factor> inner_factors(const TapeEvent& event, const Element& e, std::int64_t n,
                                    int depth) const;
  std::optional<Element> permuted(const Element& e, TapeIndex input,
                                  const std::string& attributes) const;
  std::optional<Element> reshaped(const Element& e, TapeIndex input) const;

  const Elements& elements_;
  const Tape& tape_;
};

/// "w1.g[237,39]" at a tick: the element, what it is called, and where it was computed.
struct Asked {
  Element element, root;
  std::string title;  ///< "w1.g[237,39] = 151.951 (t8)"; of several steps "(step 1, t8)"
};
/// Throws what Elements throws, and IndexError for a place outside.
Asked asked_element(const Chain& chain, const Elements& elements, std::string_view text,
                    TapeIndex tick);

/// An element as the sum over n of the products of `sides`.
struct Products {
  std::vector<Element> sides;
  std::int64_t count = 0;
  std::string layer{};  ///< the forward tick whose derivative the sum is
  double term(const Chain& chain, std::int64_t n) const;
  /// The term that is told as a chain: the first, or where it says nothing of the sum (it is 0, or
  /// finite in a sum that is not) the largest. The count must not be 0.
  std::int64_t followed(const Chain& chain) const;
  /// The chain of term n, the loss first.
  std::vector<Factor> factors(const Chain& chain, std::int64_t n) const;
};
/// Nothing where the call that made `root` is no sum.
std::optional<Products> products_of(const Chain& chain, const Element& root);

}  // namespace gradus::see
