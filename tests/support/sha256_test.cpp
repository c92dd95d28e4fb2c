// The published vectors of SHA-256: FIPS 180-2, appendix B, and NIST's message of no bytes.
#include <gtest/gtest.h>

#include <tests/support/sha256.h>

namespace gradus::test {
namespace {

std::string digest_of(std::string_view text) {
  Sha256 sha;
  sha.add(text);
  return sha.digest();
}

TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(digest_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest_of(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesCome) {
  const std::string text(200, 'x');
  for (std::size_t cut = 0; cut <= text.size(); cut += 13) {
    Sha256 sha;
    sha.add(text.substr(0, cut));
    sha.add(text.substr(cut));
    EXPECT_EQ(sha.digest(), digest_of(text)) << cut;
  }
}

}  // namespace
}  // namespace gradus::test
