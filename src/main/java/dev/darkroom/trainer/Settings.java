package dev.darkroom.trainer;

/**
 * All that can be set about a training run. The form of the networks is in the configs of a diffusers folder among the
 * resources.
 *
 * @param form which networks: a folder beside this class
 * @param size width and height of the pictures in pixels; latents of the U-Net times the VAE's factor
 * @param concepts what is learnt: a list beside this class, in the form of {@code concepts.txt}
 * @param pool whether there are all styles, and VAE and CLIP learn from all emoji; otherwise all learn from the listed ones of
 *     the first style
 * @param seed decides all random numbers
 * @param vae how the VAE is trained, alone
 * @param clip how text encoder and image tower are trained, with the VAE's latents
 * @param unet how U-Net and text encoder are trained, with the VAE's latents
 * @param klWeight weight of the latents' mean KL divergence to a standard normal; small, as in Rombach et al. 2022, appendix G
 * @param listedShare share of VAE's and CLIP's pictures that are of what the model learns to draw; the rest from the pool
 * @param temperature of the contrastive loss; its logits are cosines divided by it
 * @param planWeight weight of the text encoder's second task, to predict the latents, beside the contrastive one
 * @param regions of a picture, in each direction, that the text encoder learns to predict
 * @param timestepPower timesteps are drawn as {@code T uᵖ} with u uniform: below 1 there are more of the noisy ones, where the
 *     prompt decides what becomes of the noise, and fewer of the last ones
 * @param laterTimestepPower the same for the second half of the steps, when what is left to learn are details
 * @param promptDropout share of samples without a prompt, for classifier-free guidance (Ho and Salimans 2022, algorithm 1)
 */
record Settings(
        String form,
        int size,
        String concepts,
        boolean pool,
        long seed,
        Phase vae,
        Phase clip,
        Phase unet,
        double klWeight,
        double listedShare,
        double temperature,
        double planWeight,
        int regions,
        double timestepPower,
        double laterTimestepPower,
        double promptDropout) {

    /**
     * One network's training.
     *
     * @param steps until it is done
     * @param batch samples a step
     * @param learningRate at its highest
     * @param averaging decay of the weights' moving average a step, which is what is kept in the end
     * @param checkpointEvery steps; so many are lost at most when the process dies
     * @param sheetEvery steps between pictures for people to look at
     */
    record Phase(int steps, int batch, double learningRate, double averaging, int checkpointEvery, int sheetEvery) {
        Phase withSteps(int steps) {
            return new Phase(steps, batch, learningRate, averaging, checkpointEvery, sheetEvery);
        }
    }

    /** The model in the jar: about two hours on two cores. */
    static Settings full() {
        return new Settings(
                "model",
                128,
                "concepts.txt",
                true,
                1,
                new Phase(2_200, 8, 1.5e-3, 0.999, 200, 1_000),
                new Phase(1_000, 96, 1e-3, 0.998, 200, 500),
                new Phase(4_000, 48, 1.2e-3, 0.999, 250, 1_000),
                3e-4,
                0.5,
                0.06,
                1,
                4,
                0.4,
                0.7,
                0.1);
    }

    /** Eight pictures by heart in about a minute: a check that everything learns, with networks of a hundredth of the size. */
    static Settings overfit() {
        return new Settings(
                "overfit",
                32,
                "overfit/concepts.txt",
                false,
                1,
                new Phase(200, 8, 4e-3, 0.95, 100, 200),
                new Phase(200, 8, 2e-3, 0.95, 100, 200),
                new Phase(400, 16, 2e-3, 0.95, 100, 400),
                3e-4,
                0.5,
                0.06,
                1,
                4,
                0.4,
                0.7,
                0.1);
    }

    /** @param name {@code full} or {@code overfit} */
    static Settings preset(String name) {
        return switch (name) {
            case "full" -> full();
            case "overfit" -> overfit();
            default ->
                throw new IllegalArgumentException("Unknown preset \"" + name + "\", expected \"full\" or \"overfit\"");
        };
    }

    Settings withSteps(int vaeSteps, int clipSteps, int unetSteps) {
        return new Settings(
                form,
                size,
                concepts,
                pool,
                seed,
                vae.withSteps(vaeSteps),
                clip.withSteps(clipSteps),
                unet.withSteps(unetSteps),
                klWeight,
                listedShare,
                temperature,
                planWeight,
                regions,
                timestepPower,
                laterTimestepPower,
                promptDropout);
    }
}
