// A block of bytes with one owner. Unlike std::vector it does not zero what is
// about to be overwritten, which matters at a hundred megabytes.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace elsewhere {

class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::size_t size) { resize(size); }
  explicit Bytes(std::span<const std::byte> source) { append(source); }
  Bytes(Bytes&& other) noexcept { swap(other); }
  Bytes& operator=(Bytes&& other) noexcept {
    Bytes taken(std::move(other));
    swap(taken);
    return *this;
  }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { std::free(data_); }  // NOLINT(clang-analyzer-unix.Malloc): swap() confuses it

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<std::byte> span() { return {data_, size_}; }
  std::span<const std::byte> span() const { return {data_, size_}; }

  // New bytes are not initialised.
  void resize(std::size_t size) {
    reserve(size);
    size_ = size;
  }
  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    void* grown = std::realloc(data_, capacity);
    if (grown == nullptr) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(grown);
    capacity_ = capacity;
  }
  void append(std::span<const std::byte> more) {
    if (more.empty()) return;
    if (more.size() > capacity_ - size_) reserve(grown_capacity(size_ + more.size()));
    // The analyzer does not see that reserve() leaves memory behind.
    std::memcpy(data_ + size_, more.data(), more.size());  // NOLINT(clang-analyzer-core.*)
    size_ += more.size();
  }
  void clear() { size_ = 0; }
  void swap(Bytes& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

 private:
  std::size_t grown_capacity(std::size_t wanted) const {
    const std::size_t doubled = capacity_ < 512 ? 1024 : capacity_ * 2;
    return doubled > wanted ? doubled : wanted;
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace elsewhere
