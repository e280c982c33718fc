package dev.darkroom.program;

/**
 * 3 × 3 convolution by minimal filtering, F(4 × 4, 3 × 3): each 6 × 6 tile of the input gives 4 × 4 pixels with 36
 * multiplications a channel pair instead of 144 (Lavin and Gray 2016, section 4.3). The 36 products of all tiles are 36
 * matrix products; the transforms before and after are matrix products too, with the Kronecker squares of the paper's
 * matrices. Bands of tiles keep the intermediate arrays small.
 *
 * <p>Its rounding error is about 7e-6 of the largest value, that of a direct convolution 2e-6. Weights take four times the
 * memory, so it is for layers with many pixels per weight.
 */
final class Winograd {
    /** Below this many pixels the gain is small for the memory that it takes. */
    private static final long PIXELS = 32 * 32;

    private static final int CHANNELS = 128;

    /** {@code x [out, c, 3, 3]} → {@code [36, c, out]}. */
    static final String PREPARE = "(self).winograd_weight(x, )";

    static final String METHOD = """
          def winograd_weight(self: __torch__.Net,
            x: Tensor) -> Tensor:
            g = torch.tensor([[0.25, 0., 0.], [-0.16666666666666666, -0.16666666666666666, -0.16666666666666666], [-0.16666666666666666, 0.16666666666666666, -0.16666666666666666], [0.041666666666666664, 0.083333333333333333, 0.16666666666666666], [0.041666666666666664, -0.083333333333333333, 0.16666666666666666], [0., 0., 1.]], dtype=6)
            w = torch.reshape(torch.permute(x, [2, 3, 1, 0]), [9, -1])
            return torch.reshape(torch.mm(torch.kron(g, g), w), [36, torch.size(x, 1), torch.size(x, 0)])
          def winograd(self: __torch__.Net,
            x: Tensor,
            u: Tensor,
            bias: Tensor) -> Tensor:
            b = torch.tensor([[4., 0., -5., 0., 1., 0.], [0., -4., -4., 1., 1., 0.], [0., 4., -4., -1., 1., 0.], [0., -2., -1., 2., 1., 0.], [0., 2., -1., -2., 1., 0.], [0., 4., 0., -5., 0., 1.]], dtype=6)
            a = torch.tensor([[1., 1., 1., 1., 1., 0.], [0., 1., -1., 2., -2., 0.], [0., 1., 1., 4., 4., 0.], [0., 1., -1., 8., -8., 1.]], dtype=6)
            bb = torch.kron(b, b)
            aa = torch.kron(a, a)
            n, c, h, w, = torch.size(x)
            o = torch.size(u, 2)
            th = torch.floordiv(torch.add(h, 3), 4)
            tw = torch.floordiv(torch.add(w, 3), 4)
            hp = torch.add(torch.mul(th, 4), 2)
            wp = torch.add(torch.mul(tw, 4), 2)
            padded = torch.constant_pad_nd(torch.permute(x, [0, 2, 3, 1]), [0, 0, 1, torch.sub(wp, torch.add(w, 1)), 1, torch.sub(hp, torch.add(h, 1))], 0)
            out = torch.empty([n, torch.mul(th, 4), torch.mul(tw, 4), o], dtype=6)
            band = ops.prim.max(1, torch.floordiv(512, torch.mul(n, tw)))
            row = torch.mul(wp, c)
            line = torch.mul(torch.mul(tw, 4), o)
            for i in range(torch.floordiv(torch.sub(torch.add(th, band), 1), band)):
              first = torch.mul(i, band)
              rows = ops.prim.min(band, torch.sub(th, first))
              tiles = torch.as_strided(padded, [6, 6, n, rows, tw, c], [row, c, torch.mul(hp, row), torch.mul(4, row), torch.mul(4, c), 1], torch.mul(torch.mul(first, 4), row))
              v = torch.reshape(torch.mm(bb, torch.reshape(tiles, [36, -1])), [36, -1, c])
              m = torch.reshape(torch.bmm(v, u), [36, -1])
              y = torch.reshape(torch.mm(aa, m), [4, 4, n, rows, tw, o])
              into = torch.as_strided(out, [4, 4, n, rows, tw, o], [line, o, torch.mul(torch.mul(4, th), line), torch.mul(4, line), torch.mul(4, o), 1], torch.mul(torch.mul(first, 4), line))
              sum = torch.add(y, bias, alpha=1, out=into)
            whole = torch.permute(out, [0, 3, 1, 2])
            return torch.contiguous(torch.slice(torch.slice(whole, 2, 0, h, 1), 3, 0, w, 1), memory_format=2)
        """;

    private Winograd() {}

    static boolean suits(int kernel, int stride, int padding, int in, int out, long pixels) {
        return kernel == 3 && stride == 1 && padding == 1 && in >= CHANNELS && out >= CHANNELS && pixels >= PIXELS;
    }
}
