package dev.darkroom.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.spec.ImageDraft;
import dev.darkroom.spec.ImageSpec;
import dev.darkroom.spec.SamplerKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.FileSystemUtils;

/** Folders as diffusers 0.35 and later and transformers 4.57 and 5 write them, and as people change them. */
class TodaysFoldersTests {
    private static final Path TINY = Path.of("src/test/resources/tiny-sd");

    @TempDir
    private Path temporary;

    private Path folder;

    @BeforeEach
    void copyTheTinyCheckpoint() throws IOException {
        folder = temporary.resolve("tiny");
        FileSystemUtils.copyRecursively(TINY, folder);
    }

    /** What {@code DPMSolverMultistepScheduler.from_config(…).save_pretrained(…)} wrote in diffusers 0.35.2. */
    private static final String DPM_SOLVER = """
            {
              "_class_name": "DPMSolverMultistepScheduler",
              "_diffusers_version": "0.35.2",
              "algorithm_type": "dpmsolver++",
              "beta_end": 0.012,
              "beta_schedule": "scaled_linear",
              "beta_start": 0.00085,
              "clip_sample": false,
              "dynamic_thresholding_ratio": 0.995,
              "euler_at_final": false,
              "final_sigmas_type": "zero",
              "flow_shift": 1.0,
              "lambda_min_clipped": -Infinity,
              "lower_order_final": true,
              "num_train_timesteps": 1000,
              "prediction_type": "epsilon",
              "rescale_betas_zero_snr": false,
              "sample_max_value": 1.0,
              "set_alpha_to_one": false,
              "skip_prk_steps": true,
              "solver_order": 2,
              "solver_type": "midpoint",
              "steps_offset": 1,
              "thresholding": false,
              "timestep_spacing": "linspace",
              "trained_betas": null,
              "use_beta_sigmas": false,
              "use_exponential_sigmas": false,
              "use_flow_sigmas": false,
              "use_karras_sigmas": false,
              "use_lu_lambdas": false,
              "variance_type": null
            }
            """;

    @Test
    void readsMinusInfinityAsPythonWritesIt() throws IOException {
        Files.writeString(folder.resolve("scheduler/scheduler_config.json"), DPM_SOLVER);
        assertThat(new ModelFolder("tiny", folder).info().sampler()).isEqualTo(SamplerKind.DPMPP_2M);
        assertThat(draw("a red apple")).isNotEmpty();
    }

    @Test
    void readsTextsWithAByteOrderMark() throws IOException {
        for (String file : List.of("model_index.json", "unet/config.json", "tokenizer/vocab.json")) {
            Files.writeString(folder.resolve(file), "\ufeff" + Files.readString(folder.resolve(file)));
        }
        Files.writeString(folder.resolve("darkroom.json"), "\ufeff{\"steps\": 4}");
        assertThat(new ModelFolder("tiny", folder).info().steps()).isEqualTo(4);
    }

    private byte[] draw(String prompt) {
        return draw(folder, prompt);
    }

    /** @return its pixels */
    private static byte[] draw(Path folder, String prompt) {
        ModelFolder model = new ModelFolder("tiny", folder);
        try (DiffusionPipeline pipeline = model.load()) {
            ImageSpec spec = ImageSpec.of(new ImageDraft().prompt(prompt).steps(2).seed(1L), model.info());
            try (Generation generation = pipeline.begin(spec, 0)) {
                Golden.draw(pipeline, List.of(generation));
                return pipeline.finish(generation).rgb();
            }
        }
    }
}
