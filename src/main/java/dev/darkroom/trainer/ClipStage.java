package dev.darkroom.trainer;

import ai.djl.ndarray.NDManager;
import dev.darkroom.nets.ClipText;
import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DType;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.SafetensorsWriter;
import dev.darkroom.weights.Tensor;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * Trains the text encoder before there is a U-Net to talk to, at two tasks at once. One is CLIP's: captions and pictures that
 * belong together get like vectors, with an image tower that then judges what the model draws.
 *
 * <p>The other is to say what is where. A prompt is short and padded; the last regions² positions, which see all of it, are
 * each mapped linearly to the latents of their own region of the captioned picture. The map is thrown away. What stays are
 * hidden states with a coarse plan of the picture, in which the U-Net's cross-attention only has to find its place: learning
 * that once is much quicker than learning every picture's layout from one sentence vector.
 */
final class ClipStage {
    /** Both towers in half precision: in the work folder, and of the jar's model beside this class. */
    static final String FILE = "clip.safetensors";

    private final TrainingRun run;
    private final Dataset dataset;
    private final ClipText text;

    ClipStage(TrainingRun run, Dataset dataset) {
        this.run = run;
        this.dataset = dataset;
        this.text = new ClipText(DiffusersFolder.open(run.model()).component("text_encoder"));
    }

    /**
     * Trains until done or until the sitting is over; when done, writes {@value #FILE}.
     *
     * @return whether it is done
     */
    boolean train(ClipTokenizer tokenizer, Latents latents, int latentChannels, int latentSize) throws IOException {
        Settings settings = run.settings();
        int batch = settings.clip().batch();
        Map<Sample, Icon> seen = new IdentityHashMap<>();
        List<Sample> listed = dataset.samples(Sample.Use.LISTED);
        List<Sample> all = dataset.samples(Sample.Use.LISTED, Sample.Use.POOL);
        all.forEach(sample -> seen.put(sample, ClipTowers.seen(sample.picture())));
        int size = pictureSize();
        int c = latentChannels;
        int h = latentSize;
        Program program = new Program(Program.Kernels.forTraining());
        Value ids = program.input("ids", 1, text.positions());
        Value pictures = program.input("pictures", 1, 3, size, size);
        Value x0 = program.input("x0", 1, c, h, h);
        program.method("forward", loss(program, ids, pictures, x0), ids, pictures, x0);

        try (TrainingLoop loop = new TrainingLoop(run, "clip", settings.clip(), program, Map.of())) {
            while (loop.goesOn()) {
                Random random = loop.random();
                // No picture twice: a caption's other pictures of a batch must not be its own.
                Set<Sample> used = Collections.newSetFromMap(new IdentityHashMap<>());
                Minibatch drawn = new Minibatch(batch, 3 * size * size, tokenizer.maxLength());
                float[] z = new float[batch * c * h * h];
                while (used.size() < batch) {
                    List<Sample> from = random.nextDouble() < settings.listedShare() ? listed : all;
                    Sample sample = from.get(random.nextInt(from.size()));
                    if (used.add(sample)) {
                        int i = used.size() - 1;
                        Icon picture = Objects.requireNonNull(seen.get(sample));
                        float[] planes = View.draw(random, size, false).of(picture);
                        drawn.set(i, planes, tokenizer.encode(sample.caption(random)));
                        System.arraycopy(latents.of(sample), 0, z, i * c * h * h, c * h * h);
                    }
                }
                try (NDManager scope = loop.newScope()) {
                    loop.step(
                            drawn.ids(scope),
                            Learner.floats(scope, drawn.pictures(), batch, 3, size, size),
                            Learner.floats(scope, z, batch, c, h, h));
                }
                if (loop.sheetDue()) {
                    look(loop, tokenizer);
                }
            }
            if (loop.finished()) {
                write(run.work().resolve(FILE), loop.average());
            }
            return loop.finished();
        }
    }

    /** Width and height of the pictures that the image tower takes. */
    private int pictureSize() {
        return ClipTowers.seen(dataset.samples(Sample.Use.LISTED).get(0).picture())
                .size();
    }

    private Value loss(Program p, Value ids, Value pictures, Value x0) {
        ClipTowers towers = new ClipTowers(text);
        Value hidden = text.describe(p.at("text_encoder"), ids);
        Value contrast = ClipTowers.loss(
                p,
                towers.describeText(p, hidden, ids),
                towers.describeImage(p, pictures),
                run.settings().temperature());
        Value plan = planLoss(p, hidden, x0);
        return p.add(
                contrast,
                p.let("torch.mul(" + plan.name() + ", " + run.settings().planWeight() + ")"));
    }

    /** Mean squared error of each region's latents, predicted by the position that stands for it. */
    private Value planLoss(Program p, Value hidden, Value x0) {
        int side = run.settings().regions();
        int regions = side * side;
        int c = (int) x0.shape()[1];
        int pixels = (int) x0.shape()[2] / side;
        int numbers = c * pixels * pixels;
        Value last = p.let(
                "torch.slice(" + hidden.name() + ", 1, " + (text.positions() - regions) + ", " + text.positions()
                        + ", 1)",
                1,
                regions,
                text.width());
        Value found = p.linear("plan", last, numbers);
        String cut = "torch.reshape(%s, [-1, %d, %d, %d, %d, %d])".formatted(x0.name(), c, side, pixels, side, pixels);
        Value wanted = p.let(
                "torch.reshape(torch.permute(" + cut + ", [0, 2, 4, 1, 3, 5]), [-1, " + regions + ", " + numbers + "])",
                found.shape());
        return Loss.meanSquare(p, found, wanted);
    }

    private static void write(Path file, Map<String, Tensor> weights) throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter();
        weights.forEach((name, tensor) -> {
            if (!name.startsWith("plan.")) {
                writer.add(name, tensor, DType.F16);
            }
        });
        writer.write(file);
    }

    /** What {@link #train} has written: the tensors whose names begin so. */
    static Map<String, Tensor> read(Path file, String prefix) {
        Map<String, Tensor> tensors = new TreeMap<>();
        try (Weights weights = Weights.open(file)) {
            for (String name : weights.names()) {
                if (name.startsWith(prefix)) {
                    Tensor tensor = weights.tensor(name);
                    tensors.put(name, Tensor.of(name, tensor.toFloats(), tensor.shape()));
                }
            }
        }
        return tensors;
    }

    /** Logs how often a real picture's own caption is the nearest. */
    private void look(TrainingLoop loop, ClipTokenizer tokenizer) throws IOException {
        Map<String, Tensor> weights = loop.average();
        try (Clip clip = new Clip(new ClipTowers(text), pictureSize(), tokenizer, weights)) {
            for (EvaluationSet.Part part : EvaluationSet.of(dataset).parts()) {
                Retrieval retrieval = clip.retrieve(part, part.prompts(), part.real());
                loop.log(Map.of(
                        "real_" + part.name() + "_top1", retrieval.top(1),
                        "real_" + part.name() + "_top5", retrieval.top(5)));
            }
        }
    }
}
