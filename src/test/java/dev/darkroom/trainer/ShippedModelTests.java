package dev.darkroom.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.library.ModelLibrary;
import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.weights.DiffusersFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShippedModelTests {
    private static final int EVERY = 10;

    @Test
    void theModelInTheJarDrawsWhatItIsAskedForAsItsClipSeesIt(@TempDir Path work) throws IOException {
        List<EvaluationPrompt> all = EvaluationPrompt.parse(Resources.text("prompts.txt"));
        List<EvaluationPrompt> some = IntStream.range(0, all.size() / EVERY)
                .mapToObj(i -> all.get(i * EVERY))
                .toList();
        List<String> captions = all.stream().map(EvaluationPrompt::text).toList();
        DiffusersFolder model = DiffusersFolder.open(ModelLibrary.builtIn(work));
        List<Icon> drawn;
        try (Artist artist = new Artist(model)) {
            drawn = artist.draw(
                    some.stream().map(EvaluationPrompt::text).toList(), Collections.nCopies(some.size(), 1L));
        }
        try (ClipTokenizer tokenizer =
                        ClipTokenizer.open(model.component("tokenizer").folder());
                Clip clip = Clip.open(model, tokenizer, Trainer.shippedTowers(work), drawn.get(0))) {
            Retrieval retrieval =
                    clip.retrieve(new EvaluationSet.Part("trained", some, List.of(), captions), some, drawn);
            assertThat(retrieval.top(1)).isGreaterThanOrEqualTo(0.7);
            assertThat(retrieval.top(5)).isGreaterThanOrEqualTo(0.9);
        }
    }
}
