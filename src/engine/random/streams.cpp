#include "engine/random/streams.h"

#include <span>

namespace elsewhere {
namespace {

constexpr std::uint64_t kModulus1 = 4294967087U;
constexpr std::uint64_t kModulus2 = 4294944443U;

using Matrix = std::array<std::array<std::uint64_t, 3>, 3>;

// One step of each half of the generator, as a matrix. Negative coefficients are
// taken modulo the half's modulus.
constexpr Matrix kStep1 = {{{0, 1, 0}, {0, 0, 1}, {kModulus1 - 810728, 1403580, 0}}};
constexpr Matrix kStep2 = {{{0, 1, 0}, {0, 0, 1}, {kModulus2 - 1370589, 0, 527612}}};

constexpr Matrix product(const Matrix& a, const Matrix& b, std::uint64_t modulus) {
  Matrix out{};
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      std::uint64_t sum = 0;
      // Each factor is below 2^32, so a product fits 64 bits and is reduced at once.
      for (std::size_t k = 0; k < 3; ++k)
        sum = (sum + a[row][k] * b[k][column] % modulus) % modulus;
      out[row][column] = sum;
    }
  }
  return out;
}

// The matrix that makes 2^exponent steps at once.
constexpr Matrix jump(Matrix step, int exponent, std::uint64_t modulus) {
  for (int i = 0; i < exponent; ++i) step = product(step, step, modulus);
  return step;
}

constexpr Matrix kStream1 = jump(kStep1, 127, kModulus1);
constexpr Matrix kStream2 = jump(kStep2, 127, kModulus2);
constexpr Matrix kSubstream1 = jump(kStep1, 76, kModulus1);
constexpr Matrix kSubstream2 = jump(kStep2, 76, kModulus2);

void apply(const Matrix& matrix, std::uint64_t modulus, std::span<const std::uint32_t, 3> from,
           std::span<std::uint32_t, 3> to) {
  for (std::size_t row = 0; row < 3; ++row) {
    std::uint64_t sum = 0;
    for (std::size_t k = 0; k < 3; ++k) sum = (sum + matrix[row][k] * from[k] % modulus) % modulus;
    to[row] = static_cast<std::uint32_t>(sum);
  }
}

RandomState jumped(const RandomState& state, const Matrix& first, const Matrix& second) {
  RandomState out{};
  const std::span<const std::uint32_t, 6> from(state);
  const std::span<std::uint32_t, 6> to(out);
  apply(first, kModulus1, from.first<3>(), to.first<3>());
  apply(second, kModulus2, from.last<3>(), to.last<3>());
  return out;
}

}  // namespace

bool is_valid(const RandomState& state) {
  const bool is_first_zero = state[0] == 0 && state[1] == 0 && state[2] == 0;
  const bool is_second_zero = state[3] == 0 && state[4] == 0 && state[5] == 0;
  if (is_first_zero || is_second_zero) return false;
  for (std::size_t i = 0; i < 3; ++i) {
    if (state[i] >= kModulus1 || state[i + 3] >= kModulus2) return false;
  }
  return true;
}

RandomState next_stream(const RandomState& state) { return jumped(state, kStream1, kStream2); }

RandomState next_substream(const RandomState& state) {
  return jumped(state, kSubstream1, kSubstream2);
}

}  // namespace elsewhere
