/* AMX: tiles of 16 x 16 sums, the same whole numbers as the vectors give. The loader has asked Linux for the tiles' registers. */
#pragma once

#define TILES_FROM 3 /* tokens from which on tiles are sooner done than vectors */

/* A weight's layout is that of a tile, which goes through inputs 64 at a time. */
static void multiply_tiles(const Multiply *m, int column) {
    static const struct { uint8_t palette, start, reserved[14]; uint16_t bytes[16]; uint8_t rows[16]; } shapes = {
        .palette = 1, .bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16},
    };
    const size_t inputs = m->linear->inputs;
    const int8_t *w = m->linear->weight + column * inputs;
    int32_t sums[4][TILE][LANES] __attribute__((aligned(64)));
    _tile_loadconfig(&shapes); /* here, as others may use the tiles of this thread between two passes */
    for (int first = 0; first < m->tokens; first += 2 * TILE) {
        const uint8_t *q = m->q + first * inputs;
        const int two = first + TILE < m->tokens;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (size_t k = 0; k < inputs; k += 64) {
            _tile_loadd(4, w + k * LANES, 64);
            _tile_loadd(5, w + (inputs + k) * LANES, 64);
            _tile_loadd(6, q + k, inputs);
            _tile_dpbusd(0, 6, 4);
            _tile_dpbusd(1, 6, 5);
            if (two) {
                _tile_loadd(7, q + TILE * inputs + k, inputs);
                _tile_dpbusd(2, 7, 4);
                _tile_dpbusd(3, 7, 5);
            }
        }
        _tile_stored(0, sums[0], 64);
        _tile_stored(1, sums[1], 64);
        _tile_stored(2, sums[2], 64);
        _tile_stored(3, sums[3], 64);
        for (int r = 0; r < 2 * TILE && first + r < m->tokens; r++)
            for (int side = 0; side < 2; side++)
                put(m, first + r, column + side * LANES, _mm512_load_si512(sums[r / TILE * 2 + side][r % TILE]));
    }
    _tile_release();
}
