// Result<T>: a value or an Error. Errors are values here; exceptions of third-party libraries are
// translated where they are called. Asserts mean bugs, never bad input.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace hyps {

// The kind says what the caller may do about it.
enum class ErrorKind {
  invalid,       // the input is wrong; doing it again gives the same
  not_found,     // what was named is not there
  unsupported,   // understood, and deliberately refused
  overloaded,    // a bound is reached; later it may work
  disconnected,  // the peer or broker is away; retry when it is back
  corrupt,       // bytes are not what they were; fetch or compute them again
  io,            // the operating system said no (disk full, permission)
};

const char* to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::invalid;
  std::string message;  // what happened, to what, what to do; one line, no trailing stop

  // The same error, said about something: "<what>: <message>".
  [[nodiscard]] Error about(const std::string& what) const { return {kind, what + ": " + message}; }
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & { return *get(); }
  const T& value() const& { return *const_cast<Result*>(this)->get(); }
  T&& value() && { return std::move(*get()); }
  T& operator*() & { return *get(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*get()); }
  T* operator->() { return get(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  [[nodiscard]] const Error& error() const {
    assert(!ok());
    return std::get<1>(state_);
  }

 private:
  T* get() {
    assert(ok());
    return std::get_if<0>(&state_);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT: implicit

  [[nodiscard]] bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  [[nodiscard]] const Error& error() const {
    assert(!ok_);
    return error_;
  }

 private:
  Error error_;
  bool ok_ = true;
};

using Status = Result<void>;

}  // namespace hyps

#define HYPS_CONCAT_(a, b) a##b
#define HYPS_CONCAT(a, b) HYPS_CONCAT_(a, b)

// HYPS_TRY(auto x, f());  declares x from f()'s value, or returns f()'s error.
#define HYPS_TRY(declaration, expression) \
  HYPS_TRY_(HYPS_CONCAT(hyps_try_, __LINE__), declaration, expression)
#define HYPS_TRY_(temporary, declaration, expression) \
  auto temporary = (expression);                      \
  if (!temporary.ok()) return temporary.error();      \
  declaration = std::move(temporary).value()

// HYPS_CHECK(f());  returns f()'s error, if any.
#define HYPS_CHECK(expression) \
  if (auto hyps_status = (expression); !hyps_status.ok()) return hyps_status.error()
