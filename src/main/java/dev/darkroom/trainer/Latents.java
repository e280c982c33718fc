package dev.darkroom.trainer;

import dev.darkroom.nets.AutoencoderKl;
import dev.darkroom.weights.DType;
import dev.darkroom.weights.DiffusersFolder;
import dev.darkroom.weights.SafetensorsWriter;
import dev.darkroom.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The latents of all pictures, computed once and kept in the work folder. */
final class Latents {
    private final Map<Sample, float[]> latents = new IdentityHashMap<>();

    /**
     * @param vae of the run's model
     * @param samples whose latents will be asked for
     */
    Latents(TrainingRun run, Dataset dataset, List<Sample> samples) throws IOException {
        DiffusersFolder.Component component = DiffusersFolder.open(run.model()).component("vae");
        AutoencoderKl vae = new AutoencoderKl(component);
        int c = vae.latentChannels();
        int h = dataset.size() / vae.factor();
        int length = c * h * h;
        // Another VAE writes another file time, another list another count.
        FileTime written = Files.getLastModifiedTime(run.model().resolve("vae/diffusion_pytorch_model.safetensors"));
        Path cache = run.work().resolve("latents-%d-%d.safetensors".formatted(samples.size(), written.toMillis()));
        if (!Files.exists(cache)) {
            float[] all = new float[samples.size() * length];
            try (Weights weights = component.weights();
                    Codec codec = new Codec(vae, dataset.size(), name -> weights.tensor(name))) {
                for (int i = 0; i < samples.size(); i++) {
                    System.arraycopy(codec.encode(samples.get(i).picture()), 0, all, i * length, length);
                }
            }
            new SafetensorsWriter()
                    .add("latents", DType.F32, new long[] {samples.size(), c, h, h}, all)
                    .write(cache);
        }
        try (Weights weights = Weights.open(cache)) {
            float[] all = weights.tensor("latents", samples.size(), c, h, h).toFloats();
            for (int i = 0; i < samples.size(); i++) {
                float[] own = new float[length];
                System.arraycopy(all, i * length, own, 0, length);
                latents.put(samples.get(i), own);
            }
        }
    }

    /** [channels, height, width] */
    float[] of(Sample sample) {
        return Objects.requireNonNull(latents.get(sample), sample::title);
    }
}
