import type { FunctionCases } from './case-rows.ts';

export const geoPartialCases: FunctionCases = {
  geo_line_simplify: ['geo_line_simplify(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), 1000)'],
  geo_polygon_simplify: [
    'geo_polygon_simplify(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), 1000)',
  ],
  geo_simplify_polygons_array: [
    'geo_simplify_polygons_array(pack_array(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), dynamic({"type":"Polygon","coordinates":[[[5,5],[15,5],[15,15],[5,15],[5,5]]]})), 1000)',
  ],
  geo_point_buffer: ['geo_point_buffer(x, 1.5, 1000)'],
  geo_line_buffer: ['geo_line_buffer(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), 1000)'],
  geo_polygon_buffer: [
    'geo_polygon_buffer(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), 1000)',
  ],
};
