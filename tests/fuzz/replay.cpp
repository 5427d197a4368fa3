// Runs a fuzz target without libFuzzer: over every file of its corpus, then
// over random changes of them. The seed is fixed, so that a failure repeats;
// give another as second argument to look further.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr int kMutationsPerFile = 2000;

std::vector<Input> read_corpus(const std::filesystem::path& folder) {
  std::vector<Input> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

// One to four small changes: a byte replaced, removed or put in, or a cut.
Input mutated(Input input, std::mt19937_64& random) {
  const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
  const auto at = [&](std::size_t place) { return input.begin() + static_cast<long>(place); };
  for (auto changes = 1 + below(4); changes > 0; --changes) {
    const auto value = static_cast<std::uint8_t>(random());
    if (input.empty() || below(4) == 0) {
      input.insert(at(below(input.size() + 1)), value);
    } else if (below(3) == 0) {
      input.erase(at(below(input.size())));
    } else if (below(8) == 0) {
      input.resize(below(input.size()));
    } else {
      input[below(input.size())] = value;
    }
  }
  return input;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::cerr << "usage: " << arguments[0] << " corpus-folder [seed]\n";
    return 2;
  }
  const auto corpus = read_corpus(arguments[1]);
  if (corpus.empty()) {
    std::cerr << "no corpus in " << arguments[1] << "\n";
    return 2;
  }
  const auto seed = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 20260101;
  std::mt19937_64 random(seed);
  for (const auto& input : corpus) {
    LLVMFuzzerTestOneInput(input.data(), input.size());
    for (int i = 0; i < kMutationsPerFile; ++i) {
      const Input changed = mutated(input, random);
      LLVMFuzzerTestOneInput(changed.data(), changed.size());
    }
  }
  std::cout << corpus.size() << " files, " << kMutationsPerFile << " changes of each, seed " << seed
            << "\n";
}
