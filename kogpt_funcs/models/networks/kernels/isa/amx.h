/* AMX: tiles of 16 x 16 sums, the same whole numbers as the vectors give. The loader has asked Linux for the tiles' registers. */
#pragma once

#define TILES_FROM 3 /* tokens from which on tiles are sooner done than vectors */

static const struct { uint8_t palette, start, reserved[14]; uint16_t bytes[16]; uint8_t rows[16]; } shapes = {
    .palette = 1, .bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

/* Multiplies and adds tiles, `rounds` times over; how many products. */
static long most_products(long rounds) {
    _tile_loadconfig(&shapes);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (long r = 0; r < rounds / 16; r++) {
        _tile_dpbusd(0, 6, 4);
        _tile_dpbusd(1, 6, 5);
        _tile_dpbusd(2, 6, 4);
        _tile_dpbusd(3, 6, 5);
    }
    _tile_release();
    return rounds / 16 * 4 * 16 * 16 * 64;
}

/* A weight's layout is that of a tile, which goes through inputs 64 at a time. */
static void multiply_tiles(const Multiply *m, int column) {
    const size_t inputs = m->linear->inputs;
    const int8_t *w = m->linear->weight + column * inputs;
    int32_t sums[2][TILE][LANES] __attribute__((aligned(64)));
    _tile_loadconfig(&shapes); /* here, as others may use the tiles of this thread between two passes */
    for (int first = 0; first < m->tokens; first += TILE) {
        const Activation *q = m->q + first * inputs;
        const int rows = m->tokens - first < TILE ? m->tokens - first : TILE;
        Vector y[TILE][2];
        for (int r = 0; r < rows; r++) y[r][0] = y[r][1] = all(0.0f);
        for (size_t k = 0; k < inputs; k += BLOCK) {
            _tile_zero(0);
            _tile_zero(1);
            for (size_t i = k; i < k + BLOCK && i < inputs; i += 64) {
                _tile_loadd(4, w + i * LANES, 64);
                _tile_loadd(5, w + (inputs + i) * LANES, 64);
                _tile_loadd(6, q + i, inputs);
                _tile_dpbusd(0, 6, 4);
                _tile_dpbusd(1, 6, 5);
            }
            _tile_stored(0, sums[0], 64);
            _tile_stored(1, sums[1], 64);
            for (int r = 0; r < rows; r++)
                for (int side = 0; side < 2; side++)
                    y[r][side] = joined(m, first + r, column + side * LANES, k / BLOCK, _mm512_load_si512(sums[side][r]), y[r][side]);
        }
        for (int r = 0; r < rows; r++) {
            put(m, first + r, column, y[r][0]);
            put(m, first + r, column + LANES, y[r][1]);
        }
    }
    _tile_release();
}
