package dev.darkroom.trainer;

import dev.darkroom.nets.AutoencoderKl;
import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;

/** Measures a model, and draws the sheets that people look at. */
final class Evaluation {
    private static final List<Long> SEEDS = List.of(1L, 2L, 3L, 4L);
    private static final int TOGETHER = 10;

    private static final List<String> SHOWN_IN_STYLES = List.of(
            "an apple",
            "a strawberry",
            "a bear",
            "a frog",
            "a turtle",
            "a ghost",
            "a tree",
            "a cactus",
            "a house",
            "a rocket",
            "a trophy",
            "a key");
    private static final List<String> SHOWN_IN_COLOURS =
            List.of("car", "balloon", "star", "t-shirt", "tulip", "umbrella", "fish", "heart");
    private static final List<Colour> COLOURS =
            List.of(Colour.RED, Colour.YELLOW, Colour.GREEN, Colour.BLUE, Colour.PURPLE, Colour.PINK);

    private final TrainingRun run;
    private final Dataset dataset;
    private final DiffusersFolder model;
    private final Path towers;
    private final Consumer<String> report;

    /**
     * @param run where the sheets go
     * @param model the diffusers folder to measure
     * @param towers the CLIP that judges, of the same tokenizer
     * @param report is told each finding, a line
     */
    Evaluation(TrainingRun run, Dataset dataset, Path model, Path towers, Consumer<String> report) {
        this.run = run;
        this.dataset = dataset;
        this.model = DiffusersFolder.open(model);
        this.towers = towers;
        this.report = report;
    }

    void all() throws IOException {
        reconstruction();
        try (ClipTokenizer tokenizer =
                        ClipTokenizer.open(model.component("tokenizer").folder());
                Clip clip = Clip.open(
                        model,
                        tokenizer,
                        towers,
                        dataset.samples(Sample.Use.LISTED).get(0).picture());
                Artist artist = new Artist(model)) {
            for (EvaluationSet.Part part : EvaluationSet.of(dataset).parts()) {
                retrieval(clip, artist, part);
            }
            shown(artist);
        }
    }

    /** The VAE on pictures it has never seen. */
    private void reconstruction() throws IOException {
        List<Sample> samples = dataset.samples(Sample.Use.HELD_OUT);
        if (samples.isEmpty()) {
            return;
        }
        DiffusersFolder.Component component = model.component("vae");
        double squares = 0;
        double decibels = 0;
        try (Weights weights = component.weights();
                Codec codec = new Codec(new AutoencoderKl(component), dataset.size(), name -> weights.tensor(name))) {
            for (Sample sample : samples) {
                double square = sample.picture().meanSquare(codec.decode(codec.encode(sample.picture()), 0));
                squares += square;
                decibels += VaeStage.psnr(square);
            }
        }
        say(
                "VAE, %d held-out pictures of %d×%d: PSNR %.2f dB of the mean squared error, %.2f dB on average",
                samples.size(),
                dataset.size(),
                dataset.size(),
                VaeStage.psnr(squares / samples.size()),
                decibels / samples.size());
    }

    /** Draws a part of the benchmark and lets CLIP say what it sees. */
    private void retrieval(Clip clip, Artist artist, EvaluationSet.Part part) throws IOException {
        Retrieval ceiling = clip.retrieve(part, part.prompts(), part.real());
        say(
                "%s, %d real pictures: top-1 %.1f %%, top-5 %.1f %% of %d captions",
                part.name(),
                part.real().size(),
                100 * ceiling.top(1),
                100 * ceiling.top(5),
                part.candidates().size());
        List<EvaluationPrompt> asked = new ArrayList<>();
        List<Icon> drawn = new ArrayList<>();
        for (EvaluationPrompt prompt : part.prompts()) {
            asked.addAll(Collections.nCopies(SEEDS.size(), prompt));
            drawn.addAll(artist.draw(Collections.nCopies(SEEDS.size(), prompt.text()), SEEDS));
        }
        Retrieval retrieval = clip.retrieve(part, asked, drawn);
        say(
                "%s, %d drawn pictures (%d seeds): top-1 %.1f %%, top-5 %.1f %%",
                part.name(), drawn.size(), SEEDS.size(), 100 * retrieval.top(1), 100 * retrieval.top(5));
        Sheet sheet = new Sheet(4 * SEEDS.size());
        for (int i = 0; i < drawn.size(); i++) {
            sheet.add(drawn.get(i), asked.get(i).text() + " (" + (retrieval.ranks()[i] + 1) + ")");
        }
        sheet.write(run.work().resolve("sheets/evaluation-" + part.name() + ".png"));
    }

    /** That a style word changes the style, and a colour word the colour. */
    private void shown(Artist artist) throws IOException {
        List<String> styled = SHOWN_IN_STYLES.stream()
                .flatMap(noun -> List.of(Style.values()).stream().map(style -> noun + ", " + style.word() + " style"))
                .toList();
        sheet(artist, styled, Style.values().length * 2, "evaluation-styles");
        List<String> coloured = SHOWN_IN_COLOURS.stream()
                .flatMap(noun -> COLOURS.stream().map(colour -> "a " + colour.word() + " " + noun + ", noto style"))
                .toList();
        sheet(artist, coloured, COLOURS.size() * 2, "evaluation-colours");
    }

    private void sheet(Artist artist, List<String> prompts, int columns, String name) throws IOException {
        Sheet sheet = new Sheet(columns);
        for (int from = 0; from < prompts.size(); from += TOGETHER) {
            List<String> some = prompts.subList(from, Math.min(prompts.size(), from + TOGETHER));
            List<Icon> pictures = artist.draw(some, Collections.nCopies(some.size(), 1L));
            for (int i = 0; i < some.size(); i++) {
                sheet.add(pictures.get(i), some.get(i));
            }
        }
        sheet.write(run.work().resolve("sheets/" + name + ".png"));
    }

    private void say(String format, Object... values) {
        report.accept(format.formatted(values));
    }
}
