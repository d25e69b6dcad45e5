package file_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"
)

// picture is 20 x 10: red, with a transparent left half.
func picture(t *testing.T) string {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 20, 10))
	for y := range 10 {
		for x := 10; x < 20; x++ {
			img.Set(x, y, color.NRGBA{R: 255, A: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestConvertImage(t *testing.T) {
	j := newJob(t, map[string]string{"a.png": picture(t), "no.png": "hello"})
	for _, tc := range []struct {
		format, target string
		decode         func(io.Reader) (image.Image, error)
	}{
		{"JPEG", "o/a.jpg", jpeg.Decode},
		{"PNG", "o/b.png", png.Decode},
		{"GIF", "o/a.gif", gif.Decode},
		{"BMP", "o/a.bmp", bmp.Decode},
		{"WEBP", "o/a.webp", webp.Decode},
	} {
		t.Run(tc.format, func(t *testing.T) {
			j := &job{t: t, dir: j.dir}
			j.want("ImageConvertNode", cfg{"source_path": "a.png", "output_path": tc.target, "output_format": tc.format}, cfg{
				"output_path": "<dir>/" + tc.target, "files": []any{"<dir>/" + tc.target}, "file_count": 1, "format": tc.format, "success": true,
			})
			img, err := tc.decode(bytes.NewReader([]byte(j.read(tc.target))))
			if err != nil {
				t.Fatal(err)
			}
			if size := img.Bounds().Size(); size != (image.Point{X: 20, Y: 10}) {
				t.Errorf("size %v", size)
			}
			if r, g, b, _ := img.At(17, 5).RGBA(); r>>8 < 250 || g>>8 > 6 || b>>8 > 6 {
				t.Errorf("colour %d %d %d", r>>8, g>>8, b>>8)
			}
			if tc.format == "JPEG" {
				if _, g, _, _ := img.At(2, 5).RGBA(); g>>8 < 250 {
					t.Errorf("what is transparent must be white, green is %d", g>>8)
				}
			}
		})
	}
	j.want("ImageConvertNode", cfg{"source_path": "a.png"}, cfg{
		"output_path": "<dir>/a.jpg", "files": []any{"<dir>/a.jpg"}, "file_count": 1, "format": "JPEG", "success": true,
	})
	j.want("ImageConvertNode", cfg{"source_path": "a.png", "output_format": "PNG", "scale_percent": "25%"}, cfg{
		"output_path": "<dir>/a_converted.png", "files": []any{"<dir>/a_converted.png"}, "file_count": 1, "format": "PNG", "success": true,
	})
	small, err := png.DecodeConfig(bytes.NewReader([]byte(j.read("a_converted.png"))))
	if err != nil || small.Width != 5 || small.Height != 2 {
		t.Errorf("scaled to %d x %d, %v", small.Width, small.Height, err)
	}
	j.want("ImageConvertNode", cfg{"source_path": "a.png", "output_path": "o/", "output_format": "BMP", "overwrite": true}, cfg{
		"output_path": "<dir>/o/a.bmp", "files": []any{"<dir>/o/a.bmp"}, "file_count": 1, "format": "BMP", "success": true,
	})
	j.fails("ImageConvertNode", cfg{"source_path": "a.png"}, "FileExistsError", "Destination already exists: <dir>/a.jpg")
	j.fails("ImageConvertNode", cfg{"source_path": "none.png"}, "FileNotFoundError", "File not found: none.png")
	j.fails("ImageConvertNode", cfg{"source_path": "no.png"}, "UnidentifiedImageError", "Cannot identify the picture")
	j.fails("ImageConvertNode", cfg{"source_path": "a.png", "output_format": "TIFF"}, "ValueError", "Unsupported format: TIFF")
	j.fails("ImageConvertNode", cfg{"source_path": "a.png", "quality": 0}, "ValueError", "quality must be between 1 and 100")
	j.fails("ImageConvertNode", cfg{"source_path": "a.png", "scale_percent": "big"}, "ValueError", "scale_percent must be")
}

func TestConvertFolder(t *testing.T) {
	j := newJob(t, map[string]string{"d/b.png": picture(t), "d/a.PNG": picture(t), "d/s/c.png": picture(t), "d/readme.txt": "x", "e/x": ""})
	j.want("ImageConvertNode", cfg{"source_path": "d", "output_format": "GIF"}, cfg{
		"output_path": "<dir>/d/converted", "files": []any{"<dir>/d/converted/a.gif", "<dir>/d/converted/b.gif"},
		"file_count": 2, "format": "GIF", "success": true,
	})
	j.want("ImageConvertNode", cfg{"source_path": "d", "output_path": "all", "output_format": "GIF", "recursive": true}, cfg{
		"output_path": "<dir>/all", "files": []any{"<dir>/all/a.gif", "<dir>/all/b.gif", "<dir>/all/converted/a.gif", "<dir>/all/converted/b.gif", "<dir>/all/s/c.gif"},
		"file_count": 5, "format": "GIF", "success": true,
	})
	j.fails("ImageConvertNode", cfg{"source_path": "e"}, "ValueError", "No images found in folder: <dir>/e")
	j.fails("ImageConvertNode", cfg{"source_path": "d", "output_path": "e/x"}, "ValueError", "output_path must be a folder")
}

// TestConvertRefusesBombs has a file of 60 bytes that claims to be huge.
func TestConvertRefusesBombs(t *testing.T) {
	header := []byte("IHDR")
	header = binary.BigEndian.AppendUint32(header, 100_000)
	header = binary.BigEndian.AppendUint32(header, 100_000)
	header = append(header, 8, 6, 0, 0, 0)
	data := append([]byte("\x89PNG\r\n\x1a\n"), 0, 0, 0, 13)
	data = binary.BigEndian.AppendUint32(append(data, header...), crc32.ChecksumIEEE(header))
	j := newJob(t, nil)
	if err := os.WriteFile(filepath.Join(j.dir, "bomb.png"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	j.fails("ImageConvertNode", cfg{"source_path": "bomb.png"}, "ValueError", "has 100000 x 100000 pixels")
}
