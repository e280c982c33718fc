package dev.darkroom.trainer;

import dev.darkroom.nets.AutoencoderKl;
import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.nets.UNet2DCondition;
import dev.darkroom.weights.DiffusersFolder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Trains the model in the jar from nothing: the VAE on pictures; then the text encoder together with an image tower; then text
 * encoder and U-Net on the VAE's latents. A run may take many sittings, each going on from the last checkpoint.
 *
 * <p>Work folder: {@code pictures.bin} (the data set), {@code *.checkpoint.safetensors}, {@code log.jsonl}, {@code sheets/}, and
 * {@code model/} (the diffusers folder, rewritten as the U-Net learns, so that one can draw with it while training goes on).
 */
public final class Trainer {
    /** Told of every step. */
    public interface Progress {
        void at(Report report);
    }

    /**
     * How training goes.
     *
     * @param stage {@code vae}, {@code clip} or {@code unet}
     * @param step done
     * @param steps of the stage
     * @param loss of this step
     * @param samplesPerSecond over the last steps; 0 before the first measurement
     * @param gflops 10⁹ floating-point operations a second of convolutions and matrix products, forward and back
     */
    public record Report(String stage, int step, int steps, double loss, double samplesPerSecond, double gflops) {}

    private final TrainingRun run;
    private final Dataset dataset;

    Trainer(TrainingRun run, Dataset dataset) {
        this.run = run;
        this.dataset = dataset;
    }

    /**
     * A run in a folder.
     *
     * @param preset {@code full}, the model in the jar, or {@code overfit}, eight pictures by heart in about a minute
     * @param concepts what to learn, in the form of {@code concepts.txt} beside this class; null is the preset's own
     * @param vaeSteps other numbers of steps than the preset's; null are those
     * @param sitting how long to train now
     * @throws IllegalArgumentException if there is no such preset, or the list of concepts is not of that form
     * @throws IOException when the pictures cannot be fetched or a file cannot be written
     */
    public static Trainer open(
            Path work,
            String preset,
            @Nullable Path concepts,
            @Nullable Integer vaeSteps,
            @Nullable Integer clipSteps,
            @Nullable Integer unetSteps,
            Duration sitting,
            Progress progress)
            throws IOException {
        Settings settings = Settings.preset(preset);
        settings = settings.withSteps(
                vaeSteps == null ? settings.vae().steps() : vaeSteps,
                clipSteps == null ? settings.clip().steps() : clipSteps,
                unetSteps == null ? settings.unet().steps() : unetSteps);
        Files.createDirectories(work);
        String list = concepts == null ? Resources.text(settings.concepts()) : Files.readString(concepts);
        Dataset dataset = Dataset.prepare(work, settings, list);
        Instant end = Instant.now().plus(sitting);
        return new Trainer(new TrainingRun(work, settings, () -> Instant.now().isAfter(end), progress), dataset);
    }

    /** The pictures it learns to draw, as a PNG for people to look at, and how many there are, a line a style. */
    public String contactSheet(Path png) throws IOException {
        dataset.contactSheet(png);
        return dataset.counts();
    }

    /**
     * Trains until the sitting is over or all is done. Stages that earlier sittings have done are skipped.
     *
     * @return the diffusers folder; null if there is more to do
     */
    public @Nullable Path train() throws IOException {
        ModelWriter.writeConfigs(run.model(), run.settings().form(), dataset);
        DiffusersFolder model = DiffusersFolder.open(run.model());
        AutoencoderKl vae = new AutoencoderKl(model.component("vae"));
        UNet2DCondition unet = new UNet2DCondition(model.component("unet"));
        if (unet.sampleSize() * vae.factor() != dataset.size()) {
            throw new IllegalStateException("The U-Net takes latents of %d, the VAE makes %d of pictures of %d"
                    .formatted(unet.sampleSize(), dataset.size() / vae.factor(), dataset.size()));
        }
        if (!Files.exists(run.model().resolve("vae/diffusion_pytorch_model.safetensors"))
                && !new VaeStage(run, dataset).train()) {
            return null;
        }
        Latents latents = new Latents(run, dataset, dataset.samples(Sample.Use.LISTED, Sample.Use.POOL));
        try (ClipTokenizer tokenizer =
                ClipTokenizer.open(model.component("tokenizer").folder())) {
            Path clip = run.work().resolve(ClipStage.FILE);
            if (!Files.exists(clip)
                    && !new ClipStage(run, dataset).train(tokenizer, latents, unet.inChannels(), unet.sampleSize())) {
                return null;
            }
            boolean done =
                    new DiffusionStage(run, dataset).train(tokenizer, latents, ClipStage.read(clip, "text_encoder."));
            return done ? run.model() : null;
        }
    }

    /**
     * Draws the fixed prompts and measures what comes out; the sheets are in {@code sheets/} of the work folder.
     *
     * @param shipped the model in the jar, which is measured while the run has not made one
     * @param report is told each finding, a line
     */
    public void evaluate(Path shipped, Consumer<String> report) throws IOException {
        boolean own = Files.exists(run.model().resolve("unet/diffusion_pytorch_model.safetensors"));
        Path towers = own ? run.work().resolve(ClipStage.FILE) : shippedTowers(run.work());
        report.accept(own ? "The model in " + run.model() : "The model in the jar, as there is none in " + run.model());
        new Evaluation(run, dataset, own ? run.model() : shipped, towers, report).all();
    }

    /** The towers that were trained with the model in the jar, as a file. */
    static Path shippedTowers(Path work) throws IOException {
        Path file = work.resolve("jar-" + ClipStage.FILE);
        AtomicFiles.write(file, out -> {
            try (InputStream in = Resources.open(ClipStage.FILE)) {
                in.transferTo(out);
            }
        });
        return file;
    }
}
