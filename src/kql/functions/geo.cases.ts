import type { FunctionCases } from './case-rows.ts';

export const geoCases: FunctionCases = {
  geo_intersection_2lines: [
    'geo_intersection_2lines(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), dynamic({"type":"LineString","coordinates":[[0,10],[10,0]]}))',
  ],
  geo_intersects_2lines: [
    'geo_intersects_2lines(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), dynamic({"type":"LineString","coordinates":[[0,10],[10,0]]}))',
  ],
  geo_intersection_line_with_polygon: [
    'geo_intersection_line_with_polygon(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), dynamic({"type":"Polygon","coordinates":[[[5,5],[15,5],[15,15],[5,15],[5,5]]]}))',
  ],
  geo_intersects_line_with_polygon: [
    'geo_intersects_line_with_polygon(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), dynamic({"type":"Polygon","coordinates":[[[5,5],[15,5],[15,15],[5,15],[5,5]]]}))',
  ],
  geo_intersection_2polygons: [
    'geo_intersection_2polygons(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), dynamic({"type":"Polygon","coordinates":[[[5,5],[15,5],[15,15],[5,15],[5,5]]]}))',
  ],
  geo_intersects_2polygons: [
    'geo_intersects_2polygons(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), dynamic({"type":"Polygon","coordinates":[[[5,5],[15,5],[15,15],[5,15],[5,5]]]}))',
  ],
  geo_from_wkt: ['geo_from_wkt("POINT (1 2)")', 'geo_from_wkt(s)'],
  geo_distance_2points: ['geo_distance_2points(x, 1.5, 2.0, 3.0)'],
  geo_azimuth: ['geo_azimuth(x, 1.5, 2.0, 3.0)'],
  geo_angle: ['geo_angle(x, 1.5, 2.0, 3.0, 4.0, 5.0)'],
  geo_point_in_circle: ['geo_point_in_circle(x, 1.5, 2.0, 3.0, 300000)'],
  geo_point_in_polygon: [
    'geo_point_in_polygon(x, 1.5, dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}))',
    'geo_point_in_polygon(x, 1.5, o)',
  ],
  geo_closest_point_on_line: [
    'geo_closest_point_on_line(x, 1.5, dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}))',
  ],
  geo_closest_point_on_polygon: [
    'geo_closest_point_on_polygon(x, 1.5, dynamic({"type":"Polygon","coordinates":[[[5,5],[15,5],[15,15],[5,15],[5,5]]]}))',
  ],
  geo_distance_point_to_line: [
    'geo_distance_point_to_line(x, 1.5, dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}))',
  ],
  geo_distance_point_to_polygon: [
    'geo_distance_point_to_polygon(x, 1.5, dynamic({"type":"Polygon","coordinates":[[[5,5],[15,5],[15,15],[5,15],[5,5]]]}))',
  ],
  geo_line_length: [
    'geo_line_length(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}))',
    'geo_line_length(o)',
  ],
  geo_line_centroid: ['geo_line_centroid(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}))'],
  geo_line_densify: ['geo_line_densify(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), 500000)'],
  geo_line_locate_point: [
    'geo_line_locate_point(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), x, 1.5)',
  ],
  geo_line_interpolate_point: [
    'geo_line_interpolate_point(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), 0.25)',
  ],
  geo_polygon_area: [
    'geo_polygon_area(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}))',
    'geo_polygon_area(o)',
  ],
  geo_polygon_perimeter: [
    'geo_polygon_perimeter(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}))',
  ],
  geo_polygon_centroid: [
    'geo_polygon_centroid(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}))',
  ],
  geo_polygon_densify: [
    'geo_polygon_densify(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), 500000)',
  ],
  geo_union_polygons_array: [
    'geo_union_polygons_array(pack_array(dynamic({"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}), dynamic({"type":"Polygon","coordinates":[[[5,5],[15,5],[15,15],[5,15],[5,5]]]})))',
  ],
  geo_union_lines_array: [
    'geo_union_lines_array(pack_array(dynamic({"type":"LineString","coordinates":[[0,0],[10,10]]}), dynamic({"type":"LineString","coordinates":[[0,10],[10,0]]})))',
  ],
};
