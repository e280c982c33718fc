package dev.darkroom.trainer;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import dev.darkroom.nets.ClipText;
import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.program.Network;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Both towers of a trained CLIP, which says how well captions and pictures agree. */
final class Clip implements AutoCloseable {
    private final ClipTokenizer tokenizer;
    private final Network network;

    /** @param size of the pictures that the image tower takes, see {@link ClipTowers#seen} */
    Clip(ClipTowers towers, int size, ClipTokenizer tokenizer, Map<String, Tensor> weights) {
        this.tokenizer = tokenizer;
        Program program = new Program(Program.Kernels.of(Device.cpu()));
        Value ids = program.input("ids", 1, towers.text().positions());
        Value hidden = towers.text().describe(program.at("text_encoder"), ids);
        program.method("text", towers.describeText(program, hidden, ids), ids);
        Value pictures = program.input("pictures", 1, 3, size, size);
        program.method("image", towers.describeImage(program, pictures), pictures);
        network = Network.load(
                program, parameter -> Objects.requireNonNull(weights.get(parameter.name()), parameter.name()));
    }

    /**
     * Trained towers from a file.
     *
     * @param model whose text encoder's form it is
     * @param towers as {@link ClipStage} writes them
     * @param picture of the size of those to look at
     */
    static Clip open(DiffusersFolder model, ClipTokenizer tokenizer, Path towers, Icon picture) {
        ClipText text = new ClipText(model.component("text_encoder"));
        return new Clip(new ClipTowers(text), ClipTowers.seen(picture).size(), tokenizer, ClipStage.read(towers, ""));
    }

    /** A unit vector. */
    float[] embed(String caption) {
        try (NDManager scope = network.newScope()) {
            return network.call("text", Minibatch.ids(scope, tokenizer.encode(caption), 1))
                    .toFloatArray();
        }
    }

    /** A unit vector. */
    float[] embed(Icon picture) {
        Icon seen = ClipTowers.seen(picture);
        try (NDManager scope = network.newScope()) {
            return network.call("image", Learner.floats(scope, seen.planes(), 1, 3, seen.size(), seen.size()))
                    .toFloatArray();
        }
    }

    /**
     * For each picture, the rank of its own caption among all candidates of a part of the benchmark.
     *
     * @param prompts that the pictures were made from, one each
     */
    Retrieval retrieve(EvaluationSet.Part part, List<EvaluationPrompt> prompts, List<Icon> pictures) {
        List<String> candidates = part.candidates();
        float[][] texts = candidates.stream().map(this::embed).toArray(float[][]::new);
        int[] ranks = new int[pictures.size()];
        for (int i = 0; i < ranks.length; i++) {
            float[] image = embed(pictures.get(i));
            double own = dot(texts[candidates.indexOf(prompts.get(i).text())], image);
            for (float[] text : texts) {
                if (dot(text, image) > own) {
                    ranks[i]++;
                }
            }
        }
        return new Retrieval(ranks);
    }

    private static double dot(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }

    @Override
    public void close() {
        network.close();
    }
}
