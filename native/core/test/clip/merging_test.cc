// What concurrent callers of one device share, and that nobody's answer depends on it. The order of turns is in
// job_queue_turns_test.cc.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <random>

#include "interrogator/caption_model.h"
#include "interrogator/clip_model.h"
#include "interrogator/label_matrix.h"
#include "interrogator/prompt_tree.h"
#include "ops/packed_weights.h"
#include "support/calls.h"
#include "support/model_cases.h"

namespace interrogator {
namespace {

using test::Cases;
using test::code_of;
using test::on;

/// A call on its way: its result, or the error that it settled with.
template <class Result>
struct Pending {
  std::promise<void> settled;
  std::optional<Result> result;

  std::function<void(Result)> take() {
    return [this](Result value) { result.emplace(std::move(value)); };
  }
  Device::Done done() {
    return [this](std::exception_ptr error) {
      if (error) settled.set_exception(std::move(error));
      else settled.set_value();
    };
  }
  Result get() {
    settled.get_future().get();
    return std::move(*result);
  }
};

class MergingTest : public ::testing::Test {
 protected:
  void SetUp() override { open({.threads = 1, .max_batch = 4}); }

  void open(const DeviceOptions& options) {
    device_ = Device::open("cpu", options);
    clip_ = on(device_, [&] { return ClipModel::open(device_, test::model_cases_folder() / "clip"); });
    caption_ = on(device_, [&] { return CaptionModel::open(device_, test::model_cases_folder() / "caption"); });
  }

  /// Keeps the device busy while `submit` runs, so that what it submits waits together.
  template <class Submit>
  void while_busy(const Submit& submit) {
    std::promise<void> started, release, settled;
    device_->submit(sliced_job([&] {
                      started.set_value();
                      release.get_future().wait();
                      return true;
                    }),
                    [&](std::exception_ptr) { settled.set_value(); });
    started.get_future().wait();
    submit();
    release.set_value();
    settled.get_future().wait();
  }

  static SharedImage shared(const ImageView& view) { return {view, nullptr}; }

  void encode(const ImageView& view, Pending<Features>& pending, CancelTokenPtr token = nullptr) {
    device_->submit(ClipModel::image_job(clip_, shared(view), pending.take()), pending.done(), std::move(token));
  }
  void describe(const ImageView& view, Pending<std::vector<std::int32_t>>& pending, std::int64_t max_tokens,
                CancelTokenPtr token = nullptr) {
    device_->submit(CaptionModel::caption_job(caption_, shared(view), {max_tokens}, pending.take()), pending.done(), std::move(token));
  }

  std::vector<float> numbers(const Features& features) {
    return on(device_, [&] { return features.to_array(); });
  }

  DevicePtr device_;
  Cases clip_cases_{test::model_cases_folder() / "clip.tensors"}, caption_cases_{test::model_cases_folder() / "caption.tensors"};
  std::shared_ptr<ClipModel> clip_;
  std::shared_ptr<CaptionModel> caption_;
};

TEST_F(MergingTest, AResultThatCannotBeTakenFailsItsOwnCallAlone) {
  const auto images = clip_cases_.images();
  std::vector<Pending<Features>> pending(3);
  const auto no_memory = [](Features) { throw std::bad_alloc(); };
  while_busy([&] {
    encode(images[0], pending[0]);
    device_->submit(ClipModel::image_job(clip_, shared(images[1]), no_memory), pending[1].done());
    encode(images[2], pending[2]);
  });
  EXPECT_EQ(pending[0].get().rows(), 1);
  EXPECT_EQ(code_of([&] { pending[1].get(); }), ErrorCode::kOutOfMemory);
  EXPECT_EQ(pending[2].get().rows(), 1);
}

TEST_F(MergingTest, ImagesThatWaitTogetherAreOnePassAndEqualThoseEncodedAlone) {
  const auto images = clip_cases_.images();
  std::vector<Pending<Features>> pending(images.size());
  while_busy([&] {
    for (std::size_t i = 0; i < images.size(); ++i) encode(images[i], pending[i]);
  });
  for (std::size_t i = 0; i < images.size(); ++i) {
    const Features alone = on(device_, [&] { return test::image_features(clip_, {images[i]}); });
    const Features merged = pending[i].get();
    EXPECT_EQ(merged.rows(), 1);
    EXPECT_EQ(numbers(merged), numbers(alone)) << "to the last bit";
  }
  ASSERT_EQ(images.size(), 5u);
  EXPECT_EQ(device_->stats().batches, 2u);
  EXPECT_EQ(device_->stats().batched, 5u);
  EXPECT_EQ(device_->stats().largest_batch, 4u);
}

TEST_F(MergingTest, ACancelledImageLeaves) {
  const auto images = clip_cases_.images();
  const auto token = std::make_shared<CancelToken>();
  Pending<Features> first, cancelled, last;
  while_busy([&] {
    encode(images[0], first);
    encode(images[2], cancelled, token);
    encode(images[3], last);
    token->cancel();
  });
  EXPECT_EQ(code_of([&] { cancelled.get(); }), ErrorCode::kAborted);
  EXPECT_EQ(first.get().rows(), 1);
  EXPECT_EQ(last.get().rows(), 1);
  EXPECT_FALSE(cancelled.result);
}

TEST_F(MergingTest, ARowThatIsKeptDoesNotKeepThePass) {
  const auto images = clip_cases_.images();
  std::vector<Pending<Features>> pending(3);
  while_busy([&] {
    for (std::size_t i = 0; i < pending.size(); ++i) encode(images[i], pending[i]);
  });
  for (auto& each : pending) {
    const Features features = each.get();
    EXPECT_EQ(features.tensor().storage().nbytes(), static_cast<std::size_t>(features.dim()) * sizeof(float));
  }
}

TEST_F(MergingTest, CaptionsThatAreDecodedTogetherEqualTransformersAndLeaveAsTheyEnd) {
  if (!ops::packing_pays()) GTEST_SKIP() << "captions are decoded one by one here";
  open({.threads = 1, .max_batch = 32});
  const auto images = caption_cases_.images();
  std::vector<Pending<std::vector<std::int32_t>>> pending(images.size());
  std::vector<std::size_t> order;  // the device's thread
  while_busy([&] {
    for (std::size_t i = 0; i < images.size(); ++i) {
      const auto take = [&, i](std::vector<std::int32_t> ids) {
        order.push_back(i);
        pending[i].result.emplace(std::move(ids));
      };
      device_->submit(CaptionModel::caption_job(caption_, shared(images[i]), {40}, take), pending[i].done());
    }
  });
  std::vector<std::vector<std::int32_t>> captions;
  for (std::size_t i = 0; i < images.size(); ++i) {
    captions.push_back(pending[i].get());
    EXPECT_EQ(captions[i], caption_cases_.ids("caption40_" + std::to_string(i)));
  }
  ASSERT_EQ(order.size(), images.size());
  EXPECT_TRUE(
      std::is_sorted(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return captions[a].size() < captions[b].size(); }));
  EXPECT_NE(captions[order.front()].size(), captions[order.back()].size()) << "the cases must end at different steps to test anything";
  EXPECT_EQ(device_->stats().batches, 1u);
  EXPECT_GE(device_->stats().slices, 40u);
}

TEST_F(MergingTest, CaptionsOfOtherLengthsAreNotMerged) {
  const auto images = caption_cases_.images();
  Pending<std::vector<std::int32_t>> shorter, longer;
  while_busy([&] {
    describe(images[0], shorter, 1);
    describe(images[1], longer, 12);
  });
  EXPECT_EQ(shorter.get(), caption_cases_.ids("caption1_0"));
  EXPECT_EQ(longer.get(), caption_cases_.ids("caption12_1"));
  EXPECT_EQ(device_->stats().batches, 2u);
  EXPECT_EQ(code_of([&] { describe(images[0], shorter, 0); }), ErrorCode::kInvalidArgument);
}

TEST_F(MergingTest, ACaptionLeavesItsBatchWhenCancelledAndTheOthersGoOn) {
  if (!ops::packing_pays()) GTEST_SKIP() << "captions are decoded one by one here";
  const auto images = caption_cases_.images();
  // Cancelled by the end of the shortest, in the middle of the others.
  std::size_t shortest = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto length = [&](std::size_t image) { return caption_cases_.ids("caption40_" + std::to_string(image)).size(); };
    if (length(i) < length(shortest)) shortest = i;
  }
  const auto token = std::make_shared<CancelToken>();
  std::vector<Pending<std::vector<std::int32_t>>> pending(4);
  open({.threads = 1, .max_batch = 32});
  const std::size_t victim = shortest == 0 ? 1 : 0;
  while_busy([&] {
    for (std::size_t i = 0; i < 4; ++i) {
      const auto take = [&, i](std::vector<std::int32_t> ids) {
        if (i == shortest) token->cancel();
        pending[i].result.emplace(std::move(ids));
      };
      device_->submit(CaptionModel::caption_job(caption_, shared(images[i]), {40}, take), pending[i].done(), i == victim ? token : nullptr);
    }
  });
  for (std::size_t i = 0; i < 4; ++i) {
    if (i == victim) continue;
    EXPECT_EQ(pending[i].get(), caption_cases_.ids("caption40_" + std::to_string(i)));
  }
  EXPECT_EQ(code_of([&] { pending[victim].get(); }), ErrorCode::kAborted);
}

TEST_F(MergingTest, RankingsOfTheSameLabelsShareAPassAndEqualThoseMadeAloneToTheBit) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  const auto made = [&](std::int64_t rows) {
    std::vector<float> values(static_cast<std::size_t>(rows) * 48);
    for (float& value : values) value = normal(random);
    return on(device_, [&] { return Features::from_array(device_, values, rows, 48); });
  };
  const Features labels = made(3000);
  const auto matrix = on(device_, [&] { return LabelMatrix::from_features(labels, std::string(64, 'a')); });
  std::vector<Features> targets;
  for (int i = 0; i < 4; ++i) targets.push_back(made(1 + i % 2));
  const TopKOptions quota{.k = 20, .reverse = false, .chunk_size = 700, .corrected = false}, plain{.k = 20};
  std::vector<Pending<TopK>> merged(4);
  Pending<TopK> other;
  while_busy([&] {
    for (std::size_t i = 0; i < 4; ++i) {
      device_->submit(LabelMatrix::top_k_job({matrix}, targets[i], quota, merged[i].take()), merged[i].done());
    }
    device_->submit(LabelMatrix::top_k_job({matrix}, targets[0], plain, other.take()), other.done());
  });
  for (std::size_t i = 0; i < 4; ++i) {
    const TopK alone = on(device_, [&] { return LabelMatrix::top_k({matrix}, targets[i], quota); });
    const TopK together = merged[i].get();
    EXPECT_EQ(together.rows, alone.rows);
    EXPECT_EQ(together.k, alone.k);
    EXPECT_EQ(together.indices, alone.indices);
    EXPECT_EQ(together.similarities, alone.similarities);
  }
  other.get();
  EXPECT_EQ(device_->stats().batches, 2u);
}

/// Texts that take many blocks.
TokenLists many_texts(int count) {
  TokenLists texts{{}, {0}};
  std::mt19937 random(4);
  for (int text = 0; text < count; ++text) {
    for (int i = 0; i < 12; ++i) texts.ids.push_back(static_cast<std::int32_t>(random() % 40000));
    texts.offsets.push_back(static_cast<std::int32_t>(texts.ids.size()));
  }
  return texts;
}

TEST_F(MergingTest, AnImageAndACaptionDoNotWaitForALabelTable) {
  const TokenLists texts = many_texts(4000);
  std::promise<void> first_slice, table;
  SlicedPtr<Features> encoding;
  std::size_t slices = 0;
  device_->submit(sliced_job([&] {
                    if (!encoding) encoding = clip_->begin_text_features({}, texts);
                    if (++slices == 1) first_slice.set_value();
                    return encoding->advance();
                  }),
                  [&](std::exception_ptr) { table.set_value(); });
  first_slice.get_future().wait();
  std::future<void> end = table.get_future();
  Pending<Features> image;
  Pending<std::vector<std::int32_t>> caption;
  encode(clip_cases_.images()[0], image);
  describe(caption_cases_.images()[0], caption, 12);
  EXPECT_EQ(image.get().rows(), 1);
  EXPECT_EQ(caption.get(), caption_cases_.ids("caption12_0"));
  EXPECT_EQ(end.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  end.wait();
  const at::Tensor alone = on(device_, [&] { return test::text_features(*clip_, {}, texts).tensor().clone(); });
  EXPECT_TRUE(on(device_, [&] { return encoding->take().tensor().equal(alone); }));
  on(device_, [&] { encoding.reset(); });
}

TEST_F(MergingTest, ASlicedStepStopsBetweenItsSlicesWhenCancelled) {
  const auto token = std::make_shared<CancelToken>();
  const TokenLists texts = many_texts(4000);
  const auto features = on(device_, [&] { return test::image_features(clip_, {clip_cases_.images()[0]}); });
  const PromptTree tree(clip_, texts);
  SlicedPtr<StepResult> step;
  std::size_t slices = 0;
  std::promise<void> settled;
  device_->submit(
      sliced_job([&] {
        if (!step) step = tree.begin_best({}, features, {});
        if (++slices == 2) token->cancel();
        return step->advance();
      }),
      [&](std::exception_ptr error) {
        if (error) settled.set_exception(error);
        else settled.set_value();
      },
      token);
  EXPECT_EQ(code_of([&] { settled.get_future().get(); }), ErrorCode::kAborted);
  EXPECT_EQ(slices, 2u);
  on(device_, [&] { step.reset(); });
}

}  // namespace
}  // namespace interrogator
