#include "weights/files/unpickler.h"

#include <algorithm>
#include <optional>

#include "weights/files/fault.h"
#include "weights/files/pickle_globals.h"
#include "weights/files/pickle_opcodes.h"

namespace interrogator {

namespace {

using Value = PickleValue;
using Kind = PickleValue::Kind;
using Call = PickleGlobal::Call;
using Opcode = PickleOpcode;

constexpr std::size_t kMostValues = 2'000'000;  // the state of a training run of the largest CLIP model has some 100,000
constexpr std::size_t kMostDimensions = 16, kLongestKey = 64;

class Unpickler {
 public:
  Unpickler(std::string bytes, bool script) : script_(script) { pickle_.bytes = std::move(bytes); }

  Pickle run() {
    while (step(static_cast<Opcode>(take_number(1)))) {}
    return std::move(pickle_);
  }

 private:
  /// False after the last.
  bool step(Opcode opcode) {
    using enum PickleOpcode;
    switch (opcode) {
      case kProto: check_protocol(take_number(1)); return true;
      case kFrame: take(8); return true;
      case kStop: pickle_.root = pop(); return false;

      case kMark: mark(); return true;
      case kPop: stack_.size() > floor() ? (void)pop() : (void)cut(); return true;
      case kPopMark: cut(); return true;
      case kDup: push(top()); return true;
      case kBinPut: remember(take_number(1)); return true;
      case kLongBinPut: remember(take_number(4)); return true;
      case kMemoize: remember(remembered_); return true;
      case kBinGet: push(remembered(take_number(1))); return true;
      case kLongBinGet: push(remembered(take_number(4))); return true;

      case kNone: push({}); return true;
      case kNewTrue: push({Kind::kBool, 0, 1}); return true;
      case kNewFalse: push({Kind::kBool, 0, 0}); return true;
      case kBinInt: push_integer(static_cast<std::int32_t>(take_number(4))); return true;
      case kBinInt1: push_integer(static_cast<std::int64_t>(take_number(1))); return true;
      case kBinInt2: push_integer(static_cast<std::int64_t>(take_number(2))); return true;
      case kLong1: push_long(take_number(1)); return true;
      case kLong4: push_long(take_number(4)); return true;
      case kBinFloat: push_ignored(8); return true;
      case kBinUnicode: push_text(take_number(4)); return true;
      case kShortBinUnicode: push_text(take_number(1)); return true;
      case kBinUnicode8: push_text(take_number(8)); return true;
      case kBinString: push_text(take_number(4)); return true;
      case kShortBinString: push_text(take_number(1)); return true;
      case kBinBytes: push_ignored(take_number(4)); return true;
      case kShortBinBytes: push_ignored(take_number(1)); return true;
      case kBinBytes8: push_ignored(take_number(8)); return true;

      case kEmptyTuple: push_sequence(Kind::kTuple, {}); return true;
      case kTuple: push_sequence(Kind::kTuple, cut()); return true;
      case kTuple1: push_sequence(Kind::kTuple, cut_last(1)); return true;
      case kTuple2: push_sequence(Kind::kTuple, cut_last(2)); return true;
      case kTuple3: push_sequence(Kind::kTuple, cut_last(3)); return true;
      case kEmptySet:
      case kEmptyList: push_sequence(Kind::kList, {}); return true;
      case kList: push_sequence(Kind::kList, cut()); return true;
      case kAppend: append(cut_last(1)); return true;
      case kAddItems:
      case kAppends: append(cut()); return true;
      case kEmptyDict: push_dict(); return true;
      case kDict: {
        const std::vector<Value> items = cut();
        push_dict();
        set(items);
        return true;
      }
      case kSetItem: set(cut_last(2)); return true;
      case kSetItems: set(cut()); return true;

      case kGlobal: {
        const std::string_view module = take_line(), name = take_line();
        push_global(module, name);
        return true;
      }
      case kStackGlobal: {
        const Value name = pop(Kind::kText), module = pop(Kind::kText);
        push_global(pickle_.text(module), pickle_.text(name));
        return true;
      }
      case kReduce: reduce(); return true;
      case kNewObj: make_object(); return true;
      case kBuild: build(); return true;
      case kBinPersid: push_storage(pop(Kind::kTuple)); return true;
    }
    refuse_opcode(opcode);
  }

  [[noreturn]] static void damaged(const char* how) { refuse(std::string("its pickle is damaged: ") + how); }

  /// What is in no pickle of torch.save. Those that name a class or a function name it, so that the message can.
  [[noreturn]] void refuse_opcode(Opcode opcode) {
    if (opcode == Opcode{'i'}) {  // INST
      const std::string_view module = take_line(), name = take_line();
      PickleGlobal::of(module, name, script_);
    }
    refuse("its pickle has the instruction " + std::to_string(static_cast<int>(opcode)) +
           ", which no state dict needs: it is damaged, or made to run code; take the safetensors file of the same repository");
  }

  static void check_protocol(std::uint64_t version) {
    if (version < 2 || version > 5) refuse("its pickle is of protocol " + std::to_string(version) + ", known are 2 to 5");
  }

  // The bytes.

  std::string_view take(std::uint64_t count) {
    if (count > pickle_.bytes.size() - next_) damaged("it ends too early");
    const std::string_view taken = std::string_view(pickle_.bytes).substr(next_, static_cast<std::size_t>(count));
    next_ += taken.size();
    return taken;
  }
  std::uint64_t take_number(std::size_t width) {
    const std::string_view bytes = take(width);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return value;
  }
  std::string_view take_line() {
    const std::size_t end = pickle_.bytes.find('\n', next_);
    if (end == std::string::npos) damaged("it ends too early");
    const std::string_view line = take(end - next_);
    take(1);
    return line;
  }

  // The stack. What stands below the last mark is out of reach.

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  void count_value() {
    if (++values_ > kMostValues) refuse("its pickle has more than " + std::to_string(kMostValues) + " values");
  }
  void push(Value value) {
    count_value();
    stack_.push_back(value);
  }
  void mark() {
    count_value();
    marks_.push_back(stack_.size());
  }
  Value& top() {
    if (stack_.size() <= floor()) damaged("a value is missing");
    return stack_.back();
  }
  Value pop() {
    const Value value = top();
    stack_.pop_back();
    return value;
  }
  Value pop(Kind kind) {
    const Value value = pop();
    if (value.kind != kind) damaged("a value is of another kind than its place asks for");
    return value;
  }
  /// The values above the last mark, which goes with them.
  std::vector<Value> cut() {
    if (marks_.empty()) damaged("a mark is missing");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Value> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return values;
  }
  std::vector<Value> cut_last(std::size_t count) {
    if (stack_.size() - floor() < count) damaged("a value is missing");
    const auto first = stack_.end() - static_cast<std::ptrdiff_t>(count);
    std::vector<Value> values(first, stack_.end());
    stack_.erase(first, stack_.end());
    return values;
  }
  void remember(std::uint64_t place) {
    count_value();
    // Picklers number places from 0 on. A list of them, unlike a hash table, is as fast whatever numbers a file chooses.
    if (place >= kMostValues) damaged("it remembers a value under a number that no pickler gives");
    if (place >= memo_.size()) memo_.resize(static_cast<std::size_t>(place) + 1);
    if (!memo_[place]) ++remembered_;
    memo_[place] = top();
  }
  const Value& remembered(std::uint64_t place) const {
    if (place >= memo_.size() || !memo_[place]) damaged("it refers to a value that is not there");
    return *memo_[place];
  }

  // Values.

  void push_integer(std::int64_t number) { push({Kind::kInteger, 0, number}); }
  void push_ignored(std::uint64_t bytes) {
    take(bytes);
    push({});
  }
  void push_text(std::uint64_t size) {
    const std::size_t place = next_;
    push({Kind::kText, static_cast<std::uint32_t>(take(size).size()), static_cast<std::int64_t>(place)});
  }
  /// A little-endian number of any length, with a sign.
  void push_long(std::uint64_t width) {
    if (width > 8) return push_ignored(width);
    std::uint64_t number = take_number(static_cast<std::size_t>(width));
    const bool negative = width > 0 && width < 8 && (number >> (8 * width - 1)) != 0;
    if (negative) number |= ~std::uint64_t{0} << (8 * width);
    push_integer(static_cast<std::int64_t>(number));
  }
  void push_sequence(Kind kind, std::vector<Value> values) {
    push({kind, static_cast<std::uint32_t>(pickle_.sequences.size()), 0});
    pickle_.sequences.push_back(std::move(values));
  }
  void push_dict() {
    push({Kind::kDict, static_cast<std::uint32_t>(pickle_.dicts.size()), 0});
    pickle_.dicts.emplace_back();
  }
  void push_global(std::string_view module, std::string_view name) {
    push({Kind::kGlobal, static_cast<std::uint32_t>(globals_.size()), 0});
    globals_.push_back(PickleGlobal::of(module, name, script_));
  }

  const std::vector<Value>& values_of(const Value& sequence) const { return pickle_.sequences[sequence.index]; }

  void append(const std::vector<Value>& values) {
    if (top().kind != Kind::kList) damaged("something is appended to what is no list");
    std::vector<Value>& list = pickle_.sequences[top().index];
    list.insert(list.end(), values.begin(), values.end());
  }
  void set(const std::vector<Value>& items) {
    if (top().kind != Kind::kDict || items.size() % 2 != 0) damaged("an entry is set in what is no dictionary");
    auto& dict = pickle_.dicts[top().index];
    for (std::size_t i = 0; i < items.size(); i += 2) dict.emplace_back(items[i], items[i + 1]);
  }

  // Calls: none is made.

  void reduce() {
    const std::vector<Value>& arguments = values_of(pop(Kind::kTuple));
    switch (globals_[pop(Kind::kGlobal).index].call) {
      case Call::kDict: return push_dict_of(arguments);
      case Call::kTensor: return push_tensor(arguments);
      case Call::kFirst: return push(arguments.empty() ? Value{} : arguments.front());
      case Call::kIgnored: return push({});
      case Call::kScriptClass:
      case Call::kNone: damaged("a type is called");
    }
  }

  /// Pairs from a list, as Python 2 wrote them.
  void push_dict_of(const std::vector<Value>& arguments) {
    push_dict();
    if (arguments.empty() || arguments.front().kind != Kind::kList) return;
    for (const Value& pair : values_of(arguments.front())) {
      const bool is_pair = (pair.kind == Kind::kTuple || pair.kind == Kind::kList) && values_of(pair).size() == 2;
      if (!is_pair) damaged("a dictionary is made of what are no pairs");
      // Copies of one list could be many: they count as values.
      count_value();
      pickle_.dicts[top().index].emplace_back(values_of(pair)[0], values_of(pair)[1]);
    }
  }

  void make_object() {
    pop(Kind::kTuple);
    switch (globals_[pop(Kind::kGlobal).index].call) {
      case Call::kScriptClass:
        push({Kind::kObject, static_cast<std::uint32_t>(pickle_.objects.size()), 0});
        return pickle_.objects.push_back(Pickle::kNoDict);
      case Call::kDict: return push_dict();
      default: damaged("an object is made of what is no class");
    }
  }

  void build() {
    const Value state = pop();
    if (top().kind == Kind::kObject) {
      if (state.kind != Kind::kDict) damaged("an object's attributes are no dictionary");
      pickle_.objects[top().index] = state.index;
    } else if (top().kind != Kind::kDict && top().kind != Kind::kTensor) {  // a state dict has attributes of its own: versions
      damaged("attributes are given to what has none");
    }
  }

  /// ('storage', type, key, device, elements)
  void push_storage(const Value& id) {
    const std::vector<Value>& parts = values_of(id);
    const bool sound = parts.size() >= 5 && parts[0].kind == Kind::kText && pickle_.text(parts[0]) == "storage" &&
                       parts[1].kind == Kind::kGlobal && globals_[parts[1].index].storage && parts[2].kind == Kind::kText &&
                       parts[2].index <= kLongestKey && parts[4].kind == Kind::kInteger && parts[4].number >= 0;
    if (!sound) damaged("a storage is described in another way than PyTorch does");
    push({Kind::kStorage, static_cast<std::uint32_t>(pickle_.storages.size()), 0});
    pickle_.storages.push_back({globals_[parts[1].index].storage, parts[2], parts[4].number});
  }

  /// _rebuild_tensor_v2(storage, offset, shape, strides, …)
  void push_tensor(const std::vector<Value>& arguments) {
    const bool sound = arguments.size() >= 4 && arguments[0].kind == Kind::kStorage && arguments[1].kind == Kind::kInteger &&
                       arguments[2].kind == Kind::kTuple && arguments[3].kind == Kind::kTuple;
    if (!sound) damaged("a tensor is described in another way than PyTorch does");
    PickledTensor tensor{arguments[0].index, arguments[1].number, integers(arguments[2]), integers(arguments[3])};
    if (tensor.offset < 0 || tensor.shape.size() != tensor.strides.size()) damaged("a tensor's shape and strides do not belong together");
    push({Kind::kTensor, static_cast<std::uint32_t>(pickle_.tensors.size()), 0});
    pickle_.tensors.push_back(std::move(tensor));
  }

  std::vector<std::int64_t> integers(const Value& tuple) {
    std::vector<std::int64_t> numbers;
    for (const Value& each : values_of(tuple)) {
      // Copies of one tuple could be many: they count as values.
      count_value();
      if (each.kind != Kind::kInteger || numbers.size() == kMostDimensions) damaged("a tensor has a shape that is none");
      numbers.push_back(each.number);
    }
    return numbers;
  }

  const bool script_;
  Pickle pickle_;
  std::size_t next_ = 0;    // byte
  std::size_t values_ = 0;  // made, ever
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;
  std::vector<PickleGlobal> globals_;
  std::vector<std::optional<Value>> memo_;
  std::size_t remembered_ = 0;  // places of memo_ that hold a value
};

}  // namespace

Pickle read_pickle(std::string bytes, bool script) { return Unpickler(std::move(bytes), script).run(); }

}  // namespace interrogator
