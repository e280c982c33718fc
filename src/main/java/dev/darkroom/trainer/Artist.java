package dev.darkroom.trainer;

import dev.darkroom.nets.ClipTokenizer;
import dev.darkroom.nets.Networks;
import dev.darkroom.request.SamplerKind;
import dev.darkroom.request.Sampling;
import dev.darkroom.request.SigmaSpacing;
import dev.darkroom.sampling.NoiseSchedule;
import dev.darkroom.sampling.Sampler;
import dev.darkroom.sampling.ScheduleConfig;
import dev.darkroom.sampling.SeededNoise;
import dev.darkroom.weights.DiffusersFolder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/** Draws with a model, as the service does by default: to look at, and to evaluate. */
final class Artist implements AutoCloseable {
    private static final Sampling SAMPLING = Sampling.of(SamplerKind.DPMPP_2M, SigmaSpacing.DEFAULT, 20);
    private static final float GUIDANCE_SCALE = 2;

    private final Networks networks;
    private final ClipTokenizer tokenizer;
    private final NoiseSchedule schedule;

    Artist(DiffusersFolder folder) {
        networks = new Networks(folder);
        tokenizer = ClipTokenizer.open(folder.component("tokenizer").folder());
        schedule = schedule(folder);
    }

    static NoiseSchedule schedule(DiffusersFolder model) {
        return new NoiseSchedule(ScheduleConfig.of(JsonMapper.shared()
                .convertValue(model.component("scheduler").config(), new TypeReference<Map<String, Object>>() {})));
    }

    /**
     * One picture a prompt.
     *
     * @param seeds one each
     * @return in the prompts' order
     */
    List<Icon> draw(List<String> prompts, List<Long> seeds) {
        int c = networks.unet().inChannels();
        int size = networks.unet().sampleSize();
        int length = c * size * size;
        int n = prompts.size();
        float[] empty = encode("");
        float[] context = new float[2 * n * empty.length];
        long[] rows = new long[2 * n];
        List<Sampler> samplers = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            System.arraycopy(encode(prompts.get(i)), 0, context, 2 * i * empty.length, empty.length);
            System.arraycopy(empty, 0, context, (2 * i + 1) * empty.length, empty.length);
            rows[2 * i] = i;
            rows[2 * i + 1] = i;
            SeededNoise noise = new SeededNoise(seeds.get(i));
            float[] x = noise.normal(length);
            samplers.add(Sampler.of(SAMPLING, schedule, noise, x));
        }
        while (!samplers.get(0).done()) {
            float[] x = new float[n * length];
            float[] timesteps = new float[n];
            for (int i = 0; i < n; i++) {
                System.arraycopy(samplers.get(i).input(), 0, x, i * length, length);
                timesteps[i] = samplers.get(i).timestep();
            }
            float[] v = networks.denoiser().predict(x, timesteps, rows, context, new float[0], size, size);
            for (int i = 0; i < n; i++) {
                float[] guided = new float[length];
                for (int k = 0; k < length; k++) {
                    float with = v[2 * i * length + k];
                    float without = v[(2 * i + 1) * length + k];
                    guided[k] = without + GUIDANCE_SCALE * (with - without);
                }
                samplers.get(i).absorb(guided);
            }
        }
        int pixels = size * networks.vae().factor();
        return samplers.stream()
                .map(sampler -> {
                    float[] z = sampler.latents();
                    networks.vae().unscale(z);
                    return Icon.ofPlanes(networks.decode(z, 1, size, size), 0, pixels);
                })
                .toList();
    }

    private float[] encode(String prompt) {
        return networks.encodeText(0, tokenizer.encode(prompt), 0).hidden();
    }

    @Override
    public void close() {
        networks.close();
        tokenizer.close();
    }
}
