package dev.darkroom.trainer;

import dev.darkroom.nets.ClipText;
import dev.darkroom.program.Program;
import dev.darkroom.program.Value;

/**
 * The two towers of CLIP (Radford et al. 2021, section 2.3 and figure 3) as programs: captions and pictures become unit
 * vectors of one space. The text tower is the model's text encoder; the image tower is a small convolutional network that
 * exists for training and evaluation only.
 */
record ClipTowers(ClipText text) {
    /** Channels after each halving of the picture. */
    private static final int[] CHANNELS = {32, 64, 128, 256};

    private static final int GROUPS = 8;
    /** Width and height of the largest pictures that the image tower takes. */
    private static final int SEEN = 64;

    private static final int WIDTH = 192;

    /**
     * @param hidden states of the text encoder, [B, t, width]
     * @param ids its input, [B, t]; the largest id is that of the end of the text
     * @return [B, {@value #WIDTH}]
     */
    Value describeText(Program net, Value hidden, Value ids) {
        Value end = net.rowOfLargest(hidden, ids);
        return unit(net, net.linear("text_projection", end, WIDTH, false));
    }

    /**
     * @param pictures as {@link #seen} makes them, −1 to 1, [B, 3, size, size]
     * @return [B, {@value #WIDTH}]
     */
    Value describeImage(Program net, Value pictures) {
        Program image = net.at("image_encoder");
        Value h = pictures;
        for (int i = 0; i < CHANNELS.length; i++) {
            Program level = image.at("levels").at(i);
            h = level.conv2d("down", h, CHANNELS[i], 3, 2, 1);
            if (i > 0) {
                h = residual(level.at("block"), h);
            }
        }
        h = image.silu(image.groupNorm("norm", h, GROUPS, 1e-6));
        Value mean = image.let("torch.mean(" + h.name() + ", [2, 3])", 1, CHANNELS[CHANNELS.length - 1]);
        return unit(image, image.linear("projection", mean, WIDTH, false));
    }

    /** The picture at the size that the image tower takes. */
    static Icon seen(Icon picture) {
        return picture.shrunk(Math.max(1, picture.size() / SEEN));
    }

    private static Value residual(Program net, Value x) {
        int c = (int) x.shape()[1];
        Value h = net.conv2d("conv1", net.silu(net.groupNorm("norm1", x, GROUPS, 1e-6)), c, 3, 1, 1);
        h = net.conv2d("conv2", net.silu(net.groupNorm("norm2", h, GROUPS, 1e-6)), c, 3, 1, 1);
        return net.add(x, h);
    }

    /** Of length 1, in 32 bits whatever the layers before computed in. */
    private static Value unit(Program net, Value x) {
        Value wide = net.let("torch.to(" + x.name() + ", 6)", x.shape());
        return net.let(
                "torch.div(" + wide.name() + ", torch.add(torch.norm(" + wide.name() + ", 2, [1], True), 1.0e-06))",
                x.shape());
    }

    /**
     * Mean cross-entropy of each caption among the batch's pictures and of each picture among its captions (the loss in
     * figure 3).
     */
    static Value loss(Program p, Value texts, Value images, double temperature) {
        Value logits = p.let(
                "torch.div(torch.matmul(" + texts.name() + ", torch.t(" + images.name() + ")), " + temperature + ")");
        String diagonal = "torch.mean(torch.diagonal(torch.log_softmax(" + logits.name() + ", %d, None), 0, 0, 1))";
        return p.let("torch.mul(torch.add(" + diagonal.formatted(0) + ", " + diagonal.formatted(1) + "), -0.5)");
    }
}
