# ruff: noqa: E501 -- SVG paths are as long as they are
"""Stickers of our own: what the icon set lacks, and bodies for its heads and busts.

Everything here is SVG in the icon set's grid: 32 units wide, any height, standing on the lower edge. It is read by
`icons.py` when the data file is made, never while painting.

Boats end at their waterline: the painter lets them stand in the water and mirrors them, so no waves are drawn here.
"""

# name: (height in units, SVG body)
STICKERS: dict[str, tuple[float, str]] = {
    "sailing-boat": (
        30,
        '<path fill="#6b4a35" d="M16.2 1h1v22h-1z"/>'
        '<path fill="#fffaf0" d="M17.6 2.2C24 8 27 14 27.6 20.2H17.6z"/><path fill="#e3ddd0" d="M17.6 12c3.6.5 6.4 1.1 8.8 2.3q.9 3 1.2 5.9h-10z"/>'
        '<path fill="#f3efe4" d="M15.6 4C13.6 11 10 16.5 5 20.2h10.6z"/><path fill="#d9d2c3" d="M15.6 13.5c-2.5 1.3-5 3-7.6 4.3q-1.5 1.4-3 2.4h10.6z"/>'
        '<path fill="#f6c453" d="M16.2.3l4.6 1.4l-4.6 1.5z"/>'
        '<path fill="#e8623f" d="M1.5 22.5h29.5c-1 4.2-3.2 6.6-6 7.5H8C4.800 29 2.300 26.300 1.500 22.500"/><path fill="#c04528" d="M3 26.400h26.500c-1 1.800-2.500 3-4.500 3.600H8c-2.100-.7-3.800-1.900-5-3.600"/>'
        '<path fill="#fff" fill-opacity=".85" d="M1.500 22.500h29.500l-.3 1.300H1.800z"/>',
    ),
    "rowing-boat": (
        11,
        '<path fill="#8a5a2e" d="M3 4.500h26v2H3z"/><path fill="#b5793f" d="M.6 1.500C3 4 6 4.800 16 4.800S29 4 31.400 1.500C31 7 28 10.500 24 11H8C4 10.500 1 7 .6 1.500"/>'
        '<path fill="#935d2b" d="M1.500 6.300C5 8.200 9 8.700 16 8.700s11-.5 14.500-2.400C29.300 9 27 10.700 24 11H8c-3-.3-5.300-2-6.500-4.700"/>'
        '<path fill="#d8a36a" d="M.6 1.500C3 4 6 4.800 16 4.800S29 4 31.400 1.500l-.2 1.700C28 5.500 25 6 16 6S4 5.500.8 3.200z"/>',
    ),
    "trawler": (
        29,
        '<path fill="#8a6a50" d="M8.500 3h1v17h-1z"/><path fill="none" stroke="#6b5242" stroke-width=".5" d="M9 3.500L2 20M9 3.500L20 12"/>'
        '<path fill="#f4f1ea" d="M15 10h10v11H15z"/><path fill="#d8d2c6" d="M21 10h4v11h-4z"/><path fill="#e2574c" d="M14 8.500h12v2.200H14z"/>'
        '<path fill="#4a6d86" d="M16.500 12.500h3v3.500h-3zm4.500 0h2.800v3.500H21z"/><path fill="#3f4650" d="M21.500 4h2.600v4.500h-2.600z"/><path fill="#e2574c" d="M21.500 5.200h2.600v1.500h-2.600z"/>'
        '<path fill="#2f7fb8" d="M.8 18.500c4 1.700 8 2.200 14 2.200h16.400c-.7 4.200-2.300 7-4.200 8.300H6C3.400 27 1.500 23.400.8 18.500"/><path fill="#215e8c" d="M2.300 24.200h27.900C29.400 26.500 28.300 28.100 27 29H6c-1.500-1.200-2.800-2.800-3.700-4.800"/>'
        '<path fill="#fff" fill-opacity=".9" d="M.8 18.500c4 1.700 8 2.200 14 2.200h16.400l-.2 1.200H14.800c-5.800 0-9.700-.5-13.700-2z"/>',
    ),
    "galleon": (
        34,
        '<path fill="#6b4a35" d="M8 5h1v20H8zm8-4h1.100v24H16zm8 5h1v19h-1z"/>'
        '<path fill="#f5ecd8" d="M4.500 8c3 .8 6 .8 9 0c-.7 4-.6 7 .3 10.500q-4.800 1.300-9.600 0C5 15 5.100 12 4.500 8m8-3.500q4 1 8.200 0c-.7 5-.6 9 .6 14q-4.700 1.400-9.400 0c1-5 1.200-9 .6-14M21 9c2.700.7 5 .7 7.500 0c-.6 3.500-.5 6 .3 9.300q-4 1.200-8 0C21.500 15 21.600 12 21 9"/>'
        '<path fill="#d9cbad" d="M4.400 15.500q4.600 1.200 9.100 0l.3 3q-4.800 1.300-9.600 0zm7.900-.5q4.400 1.200 8.700 0l.4 3.500q-4.700 1.400-9.400 0zm8.600.3q3.800 1 7.700 0l.3 3q-4 1.200-8 0z"/>'
        '<path fill="#433b6b" d="M17.100.5l5 1.300l-5 1.500z"/><path fill="#8a5a3a" d="M1 18.500l6 3.500h18l6.500-4c0 8-3 14.500-7 16H8C4 32 1.400 26 1 18.500"/>'
        '<path fill="#6a4128" d="M2.300 26h28c-1.200 4-3.200 7-5.800 8H8c-2.600-1.300-4.600-4.300-5.700-8"/><path fill="#e0b15a" d="M1.200 20.500l5.600 3.200h18.400l6.200-3.800l-.2 1.600l-6 3.600H6.800l-5.400-3z"/>'
        '<path fill="#3a2618" d="M9 27.500h2v2H9zm4.500 0h2v2h-2zm4.500 0h2v2h-2zm4.500 0h2v2h-2z"/>',
    ),
    "paper-boat": (
        18,
        '<path fill="#fff" d="M16 0L7 11h18z"/><path fill="#d5dbe3" d="M16 0v11h9z"/><path fill="#f4f4f0" d="M0 7l8 11h16l8-11l-10.500 4.500h-11z"/><path fill="#c3ccd8" d="M32 7l-8 11h-8v-6.500h5.500z"/>',
    ),
    "speedboat": (
        15,
        '<path fill="#ff822d" d="M4 3.500h4l-1 4H3z"/><path fill="#d3e6f2" d="M13 1.500l7 1.500l4 4.500H11z"/><path fill="#86c5ea" d="M14.500 2.500l5 1l2.500 3.500H13z"/>'
        '<path fill="#ff822d" d="M31.500 6.500L2 7.500c.3 4.500 1.500 6.500 3.500 7.500H22c4-1.500 7.500-4.500 9.500-8.500"/><path fill="#fff" d="M31.500 6.500L2 7.500l.2 2l27.600-.5z"/><path fill="#d95f13" d="M3.200 12.300h22.500c-1.200 1.100-2.400 2-3.700 2.700H5.500c-1-.5-1.800-1.400-2.300-2.700"/>',
    ),
    "gull": (
        18,
        '<path fill="#fff" d="M0 6C6 1 12 3 16 9C19 3 26 0 32 2C27 4.500 23 8 21 12.500C18 16 12 16.500 8 13.500L3 15l3-3.500C9 10.500 11 10 12 9.500C9 6.500 5 5 0 6"/>'
        '<path fill="#c9d2da" d="M16 9C19 3 26 0 32 2C27 4.500 23 8 21 12.500C20 10 18.500 9 16 9"/><path fill="#4a5560" d="M28 1.500Q30 1.300 32 2q-2 .9-4 2.200zM0 6q2-1.600 4-2.200l.5 1.700Q2.200 5.400 0 6"/><path fill="#f4a62a" d="M8 12.500l-4.500 1l4 1z"/><circle cx="9.500" cy="12" r=".5" fill="#222"/>',
    ),
    "hot-air-balloon": (
        42,
        '<path fill="#e2574c" d="M16 0C25 0 31 6.500 31 14.500C31 22 24 27 20 33h-8C8 27 1 22 1 14.500C1 6.500 7 0 16 0"/>'
        '<path fill="#ffd166" d="M16 0c4 0 6.500 6.500 6.500 14.500S20 29 18 33h-4c-2-4-4.500-10.500-4.500-18.500S12 0 16 0"/>'
        '<path fill="#fff4dd" d="M16 0c1.500 0 2.500 6.500 2.500 14.500S17.500 29 16.800 33h-1.600c-.7-4-1.700-10.500-1.700-18.500S14.500 0 16 0"/>'
        '<path fill="#fff" fill-opacity=".22" d="M9 3C4.500 6 2.500 10 3 15c1-5 4-9 8-12.500z"/><path fill="#000" fill-opacity=".1" d="M24 3.500c4.500 5 4.500 13-1 20C22 27 20 30 20 33h-2.500C21 24 25.500 14 24 3.500"/>'
        '<path fill="none" stroke="#6b4a35" stroke-width=".5" d="M12.300 33l1 4M19.700 33l-1 4"/><path fill="#a8713a" d="M12.800 36.500h6.400l-.6 5.500h-5.200z"/><path fill="#c9925a" d="M12.500 36.300h7v1.400h-7z"/>',
    ),
    "cottage": (
        29,
        '<path fill="#b5553f" d="M21 1h4v8h-4z"/><path fill="#8f3f2e" d="M20.500 0h5v1.600h-5z"/><path fill="#f6e3c3" d="M4.500 13L16 4l11.500 9v16h-23z"/><path fill="#e3c99f" d="M16 4l11.500 9v16H16z"/>'
        '<path fill="#c8503c" d="M16 1.500L32 14.500l-1.800 2.300L16 5.500L1.800 16.800L0 14.500z"/><path fill="#a43d2d" d="M16 1.500L32 14.500l-1.800 2.300L16 5.500z"/>'
        '<path fill="#7a4a2e" d="M9 19.500q2.500-2.500 5 0V29H9z"/><circle cx="12.800" cy="24.500" r=".5" fill="#f6c453"/><path fill="#fff" d="M18 18h6.500v6H18z"/><path fill="#8fc7e8" d="M18.700 18.700h2.200v2h-2.200zm2.900 0h2.200v2h-2.200zm-2.900 2.700h2.200v2h-2.200zm2.900 0h2.200v2h-2.200z"/>'
        '<path fill="#8b5e3c" d="M17.600 24h7.300v1.500h-7.300z"/><circle cx="16" cy="11" r="1.800" fill="#fff"/><circle cx="16" cy="11" r="1.200" fill="#8fc7e8"/><path fill="#6fa35a" d="M2.500 29q.5-4 3.500-3.500q2 .5 2 3.500zm22 0q0-3.500 2.800-4q3.200.5 3.200 4z"/>',
    ),
    "barn": (
        27,
        '<path fill="#c8453b" d="M3 11L8 4l8-3.500L24 4l5 7v16H3z"/><path fill="#a63530" d="M24 4l5 7v16h-5z"/><path fill="#6d4a3f" d="M1 12L7 3.500L16 0l9 3.500L31 12l-1.600 1l-5.700-8L16 2.200L8.300 5l-5.700 8z"/>'
        '<path fill="#fff" d="M10 14h12v13H10z"/><path fill="#b33c34" d="M11 15h10v12H11z"/><path fill="#fff" d="M11 15l1 0l9 11v1h-1L11 16zm10 0h-1L11 26v1h1l9-11zM13.500 6h5v5h-5z"/><path fill="#5b3b36" d="M14.300 6.800h3.400v3.400h-3.400z"/>',
    ),
    "lighthouse": (
        52,
        '<path fill="#7b7f88" d="M4 52c0-4 5-6 12-6s12 2 12 6z"/><path fill="#8f949d" d="M8 47.500q8-2.500 16 0l-2 2q-6-1-12 0z"/>'
        '<path fill="#f7f3ea" d="M11 14h10l3 34H8z"/><path fill="#d94b42" d="M10.500 20h11l.7 7H9.800zm-1.300 14h13.600l.6 7H8.600z"/><path fill="#000" fill-opacity=".1" d="M17.500 14H21l3 34h-5z"/>'
        '<path fill="#4b4f58" d="M9 12.500h14v2H9zm2.500-7h9v7h-9z"/><path fill="#ffe9a3" d="M12.500 6.500h7v6h-7z"/><path fill="#4b4f58" d="M15.600 6h.8v6.500h-.8z"/><path fill="#d94b42" d="M10.500 6Q11 2 16 1q5 1 5.500 5z"/><path fill="#4b4f58" d="M15.500 0h1v2h-1z"/>'
        '<path fill="#5a6f82" d="M14.800 29h2.400v3.400h-2.400zm0 14h2.400v5h-2.400z"/>',
    ),
    "windmill": (
        44,
        '<path fill="#f3ead8" d="M11 16h10l4 28H7z"/><path fill="#d9ccb3" d="M17.500 16H21l4 28h-6z"/><path fill="#a5563f" d="M9.500 17Q11 10 16 9.500q5 .5 6.500 7.500z"/><path fill="#8b5e3c" d="M13.500 36h5v8h-5z"/><path fill="#6d8ba3" d="M14.500 22h3v4h-3zm0 7h3v3.500h-3z"/>'
        '<g transform="rotate(24 16 14)"><path fill="#7b5437" d="M15.500 0h1v28h-1zM2 13.500h28v1H2z"/><path fill="#fdf7ea" fill-opacity=".95" d="M16.800.5h3.600v10.500h-3.600zM29.500 14.800v3.600H19v-3.600zM15.200 27.500h-3.600V17h3.600zM2.500 13.200V9.600H13v3.600z"/></g><circle cx="16" cy="14" r="1.500" fill="#5b3b25"/>',
    ),
    "camp-fire": (
        28,
        '<path fill="#ff6723" d="M16 0c1 5 8 9 8 17c0 5-3.500 8-8 8s-8-3-8-8c0-4 2-6.500 3-9c1.500 1 2 2 2.300 3.300C15 8.500 15.800 4.500 16 0"/><path fill="#ffb02e" d="M16.500 9c.8 4 4.500 5.500 4.500 10c0 3.500-2.300 5.500-5 5.500s-5-2-5-5.500c0-2.500 1.300-4 2-5.500c.8.600 1.200 1.200 1.400 2c1-1.700 1.900-3.800 2.100-6.500"/><path fill="#fff3b0" d="M16 16c.5 2 2.300 2.800 2.300 5c0 1.800-1 2.700-2.300 2.700s-2.300-.9-2.300-2.700c0-1.700 1.700-2.900 2.300-5"/>'
        '<path fill="#7d4e2d" d="M3 22.500l2-1.500l24 5l-1.500 2z"/><path fill="#5f3a20" d="M29 22.500L27 21L3 26l1.500 2z"/>',
    ),
    "cherry-tree": (
        34,
        '<path fill="#6b4335" d="M14.500 34c.8-4 .5-7-.5-10l-5-5l1.200-1l4.800 3.800L16 14h1.500l.3 7L22 17l1.200 1l-5 6.500c-.3 3 0 6 1 9.500z"/>'
        '<circle cx="16" cy="8.500" r="8" fill="#f6a5c0"/><circle cx="8" cy="13.500" r="7" fill="#f293b4"/><circle cx="24" cy="13.500" r="7" fill="#ee86aa"/><circle cx="12.500" cy="16" r="5.500" fill="#f9b9cf"/><circle cx="20" cy="17" r="5" fill="#f6a5c0"/>'
        '<circle cx="12" cy="6" r="3.500" fill="#fcd0de"/><circle cx="6" cy="11.500" r="2.800" fill="#fbc4d6"/><circle cx="21.500" cy="10.500" r="2.800" fill="#f9b9cf"/><g fill="#fff" fill-opacity=".8"><circle cx="10" cy="9" r=".7"/><circle cx="17" cy="4" r=".7"/><circle cx="25" cy="11" r=".7"/><circle cx="20" cy="15" r=".6"/><circle cx="6" cy="15.500" r=".6"/><circle cx="14" cy="13" r=".7"/></g>',
    ),
    "palm": (
        44,
        '<path fill="#9a6b43" d="M13 44C12.500 33 13.500 23 17 14l2.600.8C16.800 23 16.300 33 17.500 44z"/><path fill="#7d5435" d="M15.500 44C15 33 15.800 23 18.500 14.500l1.100.3C16.800 23 16.300 33 17.500 44z"/>'
        '<path fill="none" stroke="#7d5435" stroke-width=".6" d="M13 38h4.200M13.300 33h3.500M13.800 28h3.200M14.600 23h3M15.700 19h2.800"/>'
        '<path fill="#2f7d4a" d="M18.500 14C13 6.500 5.500 6.500 0 15C6.500 10.500 12 11.500 18.500 14M18.500 14C25 6 30 7.500 32 15.500C28 10.800 23.500 11.500 18.500 14"/>'
        '<path fill="#3f9a5a" d="M18.500 14C10.500 11.500 4 15.500 3 24C7 17.500 12 15.500 18.500 14M18.500 14C26.500 12.500 30.500 17 30.500 25C27.500 18.500 23.500 16 18.500 14"/>'
        '<path fill="#4fb06a" d="M18.500 14C16 6 12 2.500 6 3C12 5 15 9 18.500 14M18.500 14C20.500 6 24.500 2 29.500 3C24.500 5 21.500 9 18.500 14"/><path fill="#5cc078" d="M18.500 14C12.500 15.500 9.500 20 10.500 27C12.500 20.500 15 17 18.500 14M18.500 14C23 17 24.500 21.500 22.500 28C21.500 21.500 20.500 17.500 18.500 14"/>'
        '<circle cx="16.800" cy="15.500" r="1.600" fill="#7a4a2a"/><circle cx="20" cy="15.800" r="1.600" fill="#8a5833"/><circle cx="18.300" cy="17.200" r="1.500" fill="#6b3f22"/>',
    ),
    "bamboo": (
        48,
        '<path fill="#5fa34a" d="M6.500 48V6h3.200v42zM21 48V10h3.200v38z"/><path fill="#78bb5c" d="M13.500 48V0H17v48z"/><path fill="#3f7f38" d="M8.700 6h1v42h-1zM16 0h1v48h-1zM23.200 10h1v38h-1z"/>'
        '<path fill="#a9d98a" d="M6 15h4.200v1H6zm0 12h4.200v1H6zm0 11h4.200v1H6zM13 9h4.500v1H13zm0 12h4.500v1H13zm0 12h4.500v1H13zM20.500 19h4.200v1h-4.200zm0 11h4.200v1h-4.200zm0 10h4.200v1h-4.200z"/>'
        '<path fill="#4f9a45" d="M17 9.500Q25 5 31 7Q25 10.500 17 10.500M17 10Q22 1 29 0Q26 7 17 10.500M13.500 21.500Q6 18 .500 21Q7 24 13.500 22.500M9.500 15.500Q5 8 0 9Q3 14 9.500 16.500M24 19.500Q29 14 32 15.500Q30 20 24 20.500"/>'
        '<path fill="#6cb556" d="M13.500 10Q8 3 2 3.500Q6 9 13.500 10.800M17 22Q24 23 27 28Q20 27.500 17 23M24 30.500Q29 31 31.500 35Q26 35 24 31.500M6.500 27.500Q2 27 0 31Q4.500 31.500 6.500 28.500"/>',
    ),
    "log-cabin": (
        27,
        '<path fill="#7a5c4f" d="M22 1h4v8h-4z"/><path fill="#8a5a36" d="M4 13h24v14H4z"/><path fill="#a06c43" d="M4 13h24v2.300H4zm0 4.700h24V20H4zm0 4.700h24v2.300H4z"/><path fill="#8a5a36" d="M16 4l12 9H4z"/>'
        '<path fill="#5e3d29" d="M2.800 13h2.400v14H2.800zm24 0h2.400v14h-2.400z"/><path fill="#4d4a5c" d="M16 0L32 13l-1.700 2.200L16 4.200L1.700 15.200L0 13z"/><path fill="#3d3b4b" d="M16 0L32 13l-1.700 2.200L16 4.200z"/><path fill="#f4f7fc" d="M16 0L27 9q-2 .6-3.500-1.500Q21 8 20 5.500Q17 6.500 16 4Q15 6.500 12 5.500Q11 8 8.500 7.500Q7 9.600 5 9z"/>'
        '<path fill="#5a3722" d="M8 17h6v10H8z"/><circle cx="12.600" cy="22.300" r=".6" fill="#f6c453"/><path fill="#ffe3a0" d="M18.500 17h6v5.500h-6z"/><path fill="#5a3722" d="M18 16.500h7v.8h-7zm0 5.500h7v.8h-7zm0-5.500h.8v6H18zm6.200 0h.8v6h-.8zm-3.100 0h.8v6h-.8zM18 19h7v.7h-7z"/>',
    ),
    "songbird": (
        21,
        '<path fill="#2a5d9c" d="M14 11C15 4 20 0 27 0C26.500 5 24 9.500 19.500 12.500z"/><path fill="#3b7cc4" d="M3 10.500C5 7 9.500 6.500 13 9C17 11.500 21 13 25.500 13.500L32 12.500L29 15.500L31.500 17.500L25 17C21 19.500 15 20 10.500 18C6 16 3.500 13.500 3 10.500"/>'
        '<path fill="#f2e3c4" d="M4.500 13.500C7 12.500 11 14 14 16.500C16 18 17.500 18.800 19 19C15.500 20 12.500 19.400 10.500 18.300C7.700 17 5.600 15.500 4.500 13.500"/><path fill="#2f6bb0" d="M12 11C11 5 7.500 1.500 2 .500C2 6 5.500 10.500 13.500 14z"/><path fill="#f4a62a" d="M3.300 10L0 11.200L3.400 12z"/><circle cx="6.300" cy="9.800" r=".8" fill="#1c1c1c"/>',
    ),
    "oak": (
        34,
        '<path fill="#7a5236" d="M14.300 34c.9-4 .7-7-.3-10l-5-5l1.300-1l4.700 3.500L15.500 14h2l.4 7L22 17l1.300 1l-5.200 6.500c-.3 3 .1 6 1.200 9.500z"/><path fill="#5f3f29" d="M16.500 14h1l.4 7L22 17l1.300 1l-5.200 6.500c-.3 3 .1 6 1.200 9.500h-2.500z"/>'
        '<circle cx="22.500" cy="14.500" r="7" fill="#3f7d3f"/><circle cx="9" cy="15" r="6.800" fill="#478a45"/><circle cx="16" cy="9.500" r="8.500" fill="#54994c"/><circle cx="16" cy="16.500" r="6" fill="#4a8f47"/>'
        '<circle cx="13" cy="7" r="4.600" fill="#69ad58"/><circle cx="7" cy="13" r="3.600" fill="#5fa452"/><circle cx="20.500" cy="12" r="3.800" fill="#5a9f4f"/><circle cx="11.500" cy="5.500" r="2.200" fill="#83c26a"/><circle cx="6" cy="12" r="1.600" fill="#78b862"/>',
    ),
    "fir": (
        44,
        '<path fill="#6d4a33" d="M14 38h4v6h-4z"/><path fill="#2f6e4c" d="M16 20l13.500 19.500Q22 37 16 39.500Q10 37 2.500 39.500z"/><path fill="#26593f" d="M16 20l13.500 19.500Q22 37 16 39.500z"/>'
        '<path fill="#377d56" d="M16 10l10.500 18Q21 26 16 28.500Q11 26 5.500 28.500z"/><path fill="#2b6647" d="M16 10l10.500 18Q21 26 16 28.500z"/><path fill="#428e62" d="M16 0l8 16.500Q19.500 15 16 17.500Q12.500 15 8 16.500z"/><path fill="#337453" d="M16 0l8 16.500Q19.500 15 16 17.500z"/>',
    ),
    "lotus-flower": (
        20,
        '<path fill="#3f8f5a" d="M1 17.500Q16 12 31 17.500Q24 20 16 20T1 17.500"/><path fill="#2f7a4a" d="M6 18Q16 16 26 18Q21 20 16 20T6 18"/><path fill="#e86f9e" d="M3.500 9.500C6 8.500 10 10 12.500 16.500C8 17 4 14.500 3.500 9.500M28.500 9.500C26 8.500 22 10 19.500 16.500C24 17 28 14.500 28.500 9.500"/>'
        '<path fill="#f48fb1" d="M7.500 4C10.500 5 14 9.500 14 17C9.500 15 7 9.500 7.500 4M24.500 4C21.500 5 18 9.500 18 17c4.500-2 7-7.500 6.500-13"/><path fill="#f9c0d3" d="M16 1c3.500 4 4.500 10.500 0 16.500C11.500 11.500 12.500 5 16 1"/><path fill="#fff" fill-opacity=".35" d="M16 1c1.500 4 1.500 11 0 16c-1.600-5-1.600-12 0-16"/>',
    ),
    "pumpkin": (
        25,
        '<path fill="#5c8a3a" d="M15 7c-.4-3-1.600-4.500-3.500-6L14.500 0C17 1.500 18 4 18 7z"/><ellipse cx="7.500" cy="15.500" rx="7" ry="8.500" fill="#d9741a"/><ellipse cx="24.500" cy="15.500" rx="7" ry="8.500" fill="#d9741a"/><ellipse cx="11.500" cy="15.500" rx="6.500" ry="9.300" fill="#e67f1f"/><ellipse cx="20.500" cy="15.500" rx="6.500" ry="9.300" fill="#e67f1f"/><ellipse cx="16" cy="15.500" rx="5.500" ry="9.500" fill="#f08a24"/><ellipse cx="13" cy="11" rx="1.300" ry="3.500" fill="#fff" fill-opacity=".25"/>',
    ),
    "knight": (
        42,
        '<path fill="#8d96a1" d="M9 30h6v10H9zm8 0h6v10h-6z"/><path fill="#6b737d" d="M7.500 39.500H15V42H7.500zm9.500 0h7.500V42H17z"/><path fill="#b9c2cc" d="M7 19h18l1.500 13H5.500z"/><path fill="#d2dae2" d="M4.500 19.500Q6 17 9 17l1 11l-4 1zm23 0Q26 17 23 17l-1 11l4 1z"/><path fill="#c0392b" d="M11 20h10v9l-5 4l-5-4z"/><path fill="#f6c453" d="M15.200 22h1.600v2.500h2.500v1.600h-2.500V30h-1.600v-3.900h-2.500v-1.600h2.500z"/>'
        '<path fill="#b9c2cc" d="M8 9.500C8 4 11 1.500 16 1.500S24 4 24 9.500V18q-8 3-16 0z"/><path fill="#98a2ad" d="M16 1.500C21 1.500 24 4 24 9.500V18q-3.500 1.400-8 1.500z"/><path fill="#2c3138" d="M9.500 9h13v2.600h-13z"/><path fill="#e6ebf0" d="M15.200 8.500h1.600v11h-1.600z"/><path fill="#c0392b" d="M16 2C15 .5 18-1 21 .5S25 5 24 6c-1.500-2.500-4-3.500-8-4"/>'
        '<path fill="#e6ebf0" d="M28 8h1.400v20H28z"/><path fill="#c9a24a" d="M26 27h5.400v1.500H26zm2 1.500h1.400v4H28z"/>',
    ),
}

# Sitting animals for the heads of the set. name: (coat, belly, tail); the tail is "bushy", "thin", "stripes" or "".
SITTING: dict[str, tuple[str, str, str]] = {
    "fox": ("#ff822d", "#ffdea7", "bushy"),
    "wolf": ("#9b9b9b", "#e6e6e6", "bushy"),
    "bear": ("#a56953", "#f3ad61", ""),
    "polar-bear": ("#f4f4f4", "#ffffff", ""),
    "panda": ("#f4f4f4", "#ffffff", "panda"),
    "koala": ("#9b9b9b", "#d3d3d3", ""),
    "lion": ("#f9c23c", "#ffdea7", "thin"),
    "raccoon": ("#9b9b9b", "#d3d3d3", "stripes"),
    "hamster": ("#f3ad61", "#fff4e0", ""),
    "frog": ("#00d26a", "#c6f68d", ""),
    "alien": ("#a4de2b", "#c6f068", ""),
}

# Four legs for heads seen from the side. name: (coat, shade, tail)
WALKING: dict[str, tuple[str, str, str]] = {
    "moose": ("#a56953", "#7d4533", "#7d4533"),
    "boar": ("#6d4534", "#543324", "#543324"),
    "unicorn": ("#efe6fb", "#cbb9e6", "#8fb8ff"),
}

# Clothes for the heads of people. name: (top, legs, skirt)
FIGURES: dict[str, tuple[str, str, bool]] = {
    "man": ("#00a6ed", "#4a5568", False),
    "woman": ("#8d65c5", "#8d65c5", True),
    "girl": ("#f06a8a", "#f06a8a", True),
    "boy": ("#3d8fe0", "#5b4a3f", False),
    "baby": ("#a8d8f0", "#a8d8f0", False),
    "old-man": ("#7a8c6a", "#5b5348", False),
    "old-woman": ("#b5658a", "#b5658a", True),
    "santa-claus": ("#f8312f", "#f8312f", False),
    "robot": ("#9b9b9b", "#636363", False),
}

# Legs or a gown for the busts of the set. name: (colour, gown)
BUSTS: dict[str, tuple[str, bool]] = {
    "astronaut": ("#d3d3d3", False),
    "man-mage": ("#0074ba", True),
    "woman-mage": ("#0074ba", True),
    "man-elf": ("#7d4533", False),
    "man-vampire": ("#212121", False),
    "princess": ("#8d65c5", True),
    "prince": ("#0074ba", False),
    "ninja": ("#433b6b", False),
    "guard": ("#321b41", False),
    "cook": ("#4a5568", False),
    "farmer": ("#0074ba", False),
    "firefighter": ("#ca0b4a", False),
    "scientist": ("#4a5568", False),
    "artist": ("#4a5568", False),
    "pilot": ("#321b41", False),
    "police-officer": ("#0074ba", False),
    "detective": ("#433b6b", False),
}

_SKIN, _METAL = "#ffc83d", "#9b9b9b"


def _tail(kind: str, coat: str, belly: str) -> str:
    bushy = "M20 37C28 40 35 34 30.500 24C28.500 27 26 29 21 32z"
    match kind:
        case "bushy":
            return f'<path fill="{coat}" d="{bushy}"/><path fill="{belly}" d="M30.500 24c1.900 4.200 1.800 7.700.5 10.200c-2.200-1.300-3.300-3.300-3.500-6.400c1.300-1 2.200-2.300 3-3.800"/>'
        case "stripes":
            return f'<path fill="{coat}" d="{bushy}"/><path fill="#433b4d" d="M30.500 24c.8 1.700 1.200 3.300 1.300 4.800l-4.500-.8c1.300-1 2.400-2.400 3.200-4M25 29.800l4.300 5q-1.800 1.900-4.300 2.400l-3-5.600q1.600-.8 3-1.800"/>'
        case "thin":
            return f'<path fill="none" stroke="{coat}" stroke-width="1.800" stroke-linecap="round" d="M22 36c6 1.500 8-3 6-8"/><ellipse cx="27.800" cy="27" rx="1.700" ry="2.400" fill="#8c5543"/>'
    return ""


def sitting(head: str, coat: str, belly: str, tail: str) -> tuple[float, str]:
    """A front-facing animal that sits: (height, SVG body)."""
    limbs = "#433b6b" if tail == "panda" else coat
    body = (
        f'{_tail(tail, coat, belly)}<ellipse cx="16" cy="30" rx="9" ry="9.500" fill="{coat}"/>'
        f'<ellipse cx="8.800" cy="37.300" rx="4.200" ry="2.500" fill="{limbs}"/><ellipse cx="23.200" cy="37.300" rx="4.200" ry="2.500" fill="{limbs}"/>'
        f'<path fill="{limbs}" d="M10.800 25h4.200v12.400q0 2.200-2.100 2.200t-2.100-2.200zm6.200 0h4.200v12.400q0 2.200-2.100 2.200T17 37.400z"/>'
        '<path fill="#000" fill-opacity=".14" d="M15.300 29h.500v9h-.500zm.900 0h.500v9h-.500zM7.500 34q1.500 1.300 3.300 1.500v-7q-2.600 2-3.300 5.500m17 0q-1.500 1.300-3.300 1.500v-7q2.600 2 3.300 5.500"/>'
        f'<ellipse cx="16" cy="27.500" rx="5" ry="5.600" fill="{belly}"/><path fill="#000" fill-opacity=".12" d="M9.500 23q6.500 5 13 0l-.8 2.600q-5.700 3.400-11.400 0z"/>'
    )
    return 39.8, f'{body}<g transform="translate(3.200 -.5) scale(.8)">{head}</g>'


def walking(head: str, coat: str, shade: str, tail: str) -> tuple[float, str]:
    """An animal on four legs that looks left: (height, SVG body)."""
    body = (
        f'<path fill="{tail}" d="M36 18c6 0 8 5 6.500 14c-3-2-5-5-6-9z"/>'
        f'<path fill="{shade}" d="M18.500 28h4v14h-4zm9.500 0h4v14h-4z"/>'
        f'<path fill="{coat}" d="M9 20L12 9l11 7h11q5 0 5 6v20h-4.500V31H18v11h-4.500V29Q10 27 9 20"/>'
        '<path fill="#000" fill-opacity=".10" d="M18 31q8 2 16.500-3V31zM13.500 40h4.500v2h-4.500zm21 0H39v2h-4.500z"/>'
    )
    return (
        32.5,
        f'<g transform="translate(1 1) scale(.74)">{body}<g transform="translate(-1 -3) scale(.72)">{head}</g></g>',
    )


def figure(head: str, top: str, legs: str, skirt: bool) -> tuple[float, str]:
    """A standing person under a head of the set: (height, SVG body)."""
    skin = top if top == _METAL else _SKIN
    shoes = (
        '<path fill="#3a3440" d="M10.300 44.500h5.200V47H9.300q0-1.800 1-2.500m6.200 0h5.200q1 .7 1 2.500h-6.200z"/>'
    )
    if skirt:
        lower = f'<path fill="{skin}" d="M12 38h3v7h-3zm5 0h3v7h-3z"/><path fill="{legs}" d="M11.500 30h9L25 40.500q-9 2.500-18 0z"/><path fill="#000" fill-opacity=".1" d="M16 30h4.500L25 40.500q-4.500 1.200-9 1.300z"/>'
    else:
        lower = f'<path fill="{legs}" d="M10.800 32h10.400v13h-4.300l-.9-9l-.9 9h-4.300z"/>'
    body = (
        f'{lower}{shoes}<path fill="{top}" d="M11.500 21.500h9q4 .5 5.500 8l-3 1l-1.800-3.200V34H10.800v-6.700L9 30.500l-3-1q1.500-7.500 5.500-8"/>'
        f'<path fill="#000" fill-opacity=".1" d="M16 21.500h4.500q4 .5 5.500 8l-3 1l-1.800-3.200V34H16z"/><circle cx="7.300" cy="31" r="1.800" fill="{skin}"/><circle cx="24.700" cy="31" r="1.800" fill="{skin}"/>'
    )
    return 47, f'{body}<g transform="translate(4.800 -1) scale(.7)">{head}</g>'


def standing(bust: str, colour: str, gown: bool) -> tuple[float, str]:
    """A bust of the set with legs or a gown below it: (height, SVG body)."""
    if gown:
        lower = f'<path fill="{colour}" d="M7.500 27h17l4 14.500q-12.500 3-25 0z"/><path fill="#000" fill-opacity=".12" d="M16 27h8.500l4 14.500q-6 1.500-12.500 1.500z"/>'
    else:
        lower = (
            f'<path fill="{colour}" d="M9 28h14v13h-5.500L16 33l-1.500 8H9z"/><path fill="#000" fill-opacity=".14" d="M16 28h7v13h-5.500L16 33z"/>'
            '<path fill="#3a3440" d="M8 40.500h6.800V43H7q0-1.800 1-2.500m9.200 0H24q1 .7 1 2.500h-7.800z"/>'
        )
    return 43, f"{lower}{bust}"
